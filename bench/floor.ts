import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const WRITER = fileURLToPath(new URL('./floor-writer.js', import.meta.url))
const THREADS = '16'

export interface FloorOptions {
  readonly folder: string
  /** Each process writes all of it, as each replica does. */
  readonly megabytes: number
  readonly chunkBytes: number
  readonly files: number
}

/** The floor: three bare processes write and sync the same bytes in the same chunks, no network. MB/s of the slowest. */
export async function measureFloor(options: FloorOptions): Promise<number> {
  const seconds = await Promise.all([1, 2, 3].map((process) => runWriter(process, options)))
  return options.megabytes / Math.max(...seconds)
}

function runWriter(number: number, { folder, megabytes, chunkBytes, files }: FloorOptions): Promise<number> {
  const args = [WRITER, join(folder, `floor-${number}`), String(megabytes), String(chunkBytes), String(files)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, UV_THREADPOOL_SIZE: THREADS } })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve(Number(output)) : reject(new Error(`the floor's writer ended with ${code}`))))
  })
}
