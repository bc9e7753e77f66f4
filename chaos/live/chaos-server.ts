import { SystemClock } from '../../src/client/system-clock.ts'
import { NodeDisk } from '../../src/node/disk.ts'
import { runServer } from '../../src/node/process.ts'
import { type ClockReport, isClockOrder } from './clock/clock-orders.ts'
import { ShiftedClock } from './clock/shifted-clock.ts'
import { AilingDisk } from './disk/ailing-disk.ts'
import { type DiskReport, isDiskOrder } from './disk/disk-orders.ts'
import { VolatileDisk } from './disk/volatile-disk.ts'

/**
 * `oxbow server` on disks that lose what is not synced when the process is killed, and that fail or are slow when they are told to; and by a
 * clock whose time of day can be shifted. Its arguments are the cluster file and the id of the node; orders come over the channel to its parent.
 */
const disks: { readonly volatile: VolatileDisk; readonly ailing: AilingDisk }[] = []
const clock = new ShiftedClock(new SystemClock())

process.on('message', (message: unknown) => {
  if (isClockOrder(message)) {
    clock.offsetMs = message.offsetMs ?? clock.offsetMs
    process.send?.({ type: 'clock report', wallMs: clock.wallMs() } satisfies ClockReport)
  }
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
  clock,
  openDisk: (path) => {
    const volatile = new VolatileDisk(new NodeDisk(path))
    const ailing = new AilingDisk(volatile)
    disks.push({ volatile, ailing })
    return ailing
  },
})
process.exit(code)
