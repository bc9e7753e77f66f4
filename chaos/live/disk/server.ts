import { NodeDisk } from '../../../src/node/disk.ts'
import { runServer } from '../../../src/node/process.ts'
import { AilingDisk } from './ailing-disk.ts'
import { type DiskReport, isDiskOrder } from './disk-orders.ts'
import { VolatileDisk } from './volatile-disk.ts'

/**
 * `oxbow server` on disks that lose what is not synced when the process is killed, and that fail or are slow when they are told to. Its
 * arguments are the cluster file and the id of the node; orders come over the channel to its parent.
 */
const disks: { readonly volatile: VolatileDisk; readonly ailing: AilingDisk }[] = []

process.on('message', (message: unknown) => {
  if (!isDiskOrder(message)) return
  const report = { type: 'disk report', slowed: 0, failed: 0, unsyncedBytes: 0 }
  for (const { volatile, ailing } of disks) {
    ailing.ailment = message.ailment ?? ailing.ailment
    report.slowed += ailing.counts.slowed
    report.failed += ailing.counts.failed
    report.unsyncedBytes += volatile.unsyncedBytes
  }
  process.send?.(report satisfies { [key in keyof DiskReport]: unknown })
})

const [configPath = '', nodeId = ''] = process.argv.slice(2)
const code = await runServer({
  configPath,
  nodeId: Number(nodeId),
  dataDir: undefined,
  env: process.env,
  openDisk: (path) => {
    const volatile = new VolatileDisk(new NodeDisk(path))
    const ailing = new AilingDisk(volatile)
    disks.push({ volatile, ailing })
    return ailing
  },
})
process.exit(code)
