import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BIN, findPortBase, waitFor } from '../../chaos/live/cluster-process.ts'
import { readUsage } from '../process-usage.ts'
import { heading, line } from '../report.ts'

const MIB = 1_048_576
const WRITER = fileURLToPath(new URL('./writer-process.js', import.meta.url))

interface Written {
  readonly offset: number
  readonly tookMs: number
  readonly snapshotEndOffset: number
}

/** A voter of a cluster with many partitions, after many decisions: how much lies on its disk, and how long the next start takes. */
export async function benchRestart(options: { readonly partitions: number; readonly decisions: number }): Promise<void> {
  const { partitions, decisions } = options
  heading(`a voter with ${partitions} partitions, after ${decisions} decisions more`)
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-metadata-'))
  try {
    const portBase = await findPortBase(2)
    const path = join(folder, 'cluster.yaml')
    writeFileSync(path, clusterFile(portBase))
    const written = await write(path, options)
    if (decisions > 0) line('decided by one voter, in process', `${Math.round((decisions / written.tookMs) * 1_000)} a second, while snapshots were written`)
    const metadata = join(folder, '1', 'metadata')
    const sizes = readdirSync(metadata).map((name) => ({ name, sizeBytes: statSync(join(metadata, name)).size }))
    const total = (suffix: string): string => (sizes.filter(({ name }) => name.endsWith(suffix)).reduce((sum, one) => sum + one.sizeBytes, 0) / MIB).toFixed(1)
    line('on the disk', `log ${total('.log')} MiB, snapshots ${total('.checkpoint')} MiB`)
    await restart(path, portBase, written)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Node 2 is a broker that never comes: a cluster has one. */
function clusterFile(portBase: number): string {
  const node = (id: number, role: string): string =>
    `  - { nodeId: ${id}, host: 127.0.0.1, roles: [${role}], grpcPort: ${portBase + 100 + id}, httpPort: ${portBase + 200 + id}, dataDirs: ["${id}"] }\n`
  return `clusterName: metadata\nnodes:\n${node(1, 'controller')}${node(2, 'broker')}`
}

function write(path: string, { partitions, decisions }: { readonly partitions: number; readonly decisions: number }): Promise<Written> {
  const child = spawn(process.execPath, [WRITER, path, String(partitions), String(decisions)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve(JSON.parse(output) as Written) : reject(new Error(`the writer ended with ${code}`))))
  })
}

async function restart(path: string, portBase: number, written: Written): Promise<void> {
  const from = performance.now()
  const child = spawn(process.execPath, [BIN, 'server', '--config', path, '--node', '1'], { stdio: 'ignore' })
  try {
    await waitFor('everything applied', 120_000, async () => {
      const page = await fetch(`http://127.0.0.1:${portBase + 201}/metrics`)
        .then((answer) => answer.text())
        .catch(() => '')
      const applied = /^kafka_server_broker_metadata_metrics_last_applied_record_offset (\d+)$/m.exec(page)
      // The entry that opens its term is applied: all before it are.
      return applied !== null && Number(applied[1]) >= written.offset ? true : undefined
    })
    const tookMs = performance.now() - from
    const usage = readUsage(child.pid ?? -1)
    const rss = usage === undefined ? '' : `, resident ${(usage.rssBytes / MIB).toFixed(0)} MiB, at most ${(usage.peakRssBytes / MIB).toFixed(0)} MiB`
    const tail = written.offset - written.snapshotEndOffset
    line('kill -9 to leading again', `${tookMs.toFixed(0)} ms: the process, a snapshot, ${tail} decisions behind it, an election${rss}`)
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
}
