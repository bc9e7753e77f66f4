import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { ROOT } from './cluster-process.ts'

/** A finished command. */
export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts `npx oxbow ARGS` as a person would, in the folder of the project. */
export function startCli(args: readonly string[], folder: string = ROOT): ChildProcess {
  return spawn('npx', ['oxbow', ...args], { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, npm_config_loglevel: 'error' } })
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = []
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString()
}

export function whenEnded(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => child.once('error', reject).once('close', (code) => resolve(code)))
}

/** Runs a command to its end, with `input` on its stdin. */
export async function runCli(args: readonly string[], options: { readonly input?: string; readonly folder?: string } = {}): Promise<CliResult> {
  const child = startCli(args, options.folder)
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  child.stdin?.end(options.input ?? '')
  const code = await whenEnded(child)
  return { code, stdout: stdout(), stderr: stderr() }
}

/** Calls back for each line of a stream. */
export function onLines(stream: NodeJS.ReadableStream | null, handler: (line: string) => void): void {
  if (stream !== null) createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', handler)
}
