import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from '../chaos/live/cluster-process.ts'

/** Runs dist/bench/NAME.js in a process of its own, as a user's client is: options as JSON in its first argument, the result as JSON on its stdout. */
export function runInProcess<Options, Result>(name: string, options: Options): Promise<Result> {
  const child = spawn(process.execPath, [join(ROOT, 'dist', 'bench', `${name}.js`), JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve(JSON.parse(output) as Result) : reject(new Error(`${name} ended with ${code}`))))
  })
}
