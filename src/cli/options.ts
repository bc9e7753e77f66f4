import { type Command, InvalidArgumentError, Option } from 'commander'
import type { CliContext, OutputFormat } from './context.ts'
import { UsageError } from './failure.ts'

export const DEFAULT_BOOTSTRAP = '127.0.0.1:9192,127.0.0.1:9193,127.0.0.1:9194'
const DEFAULT_TIMEOUT_MS = 30_000

/** What every command that talks to a cluster takes (cli.md, Everywhere). */
export interface ClusterOptions {
  readonly bootstrap: readonly string[]
  readonly output: OutputFormat
  readonly timeoutMs: number
}

/** As commander collects them. */
export interface RawClusterOptions {
  readonly bootstrap?: string
  readonly output: OutputFormat
  readonly timeout: number
}

/** A whole number within bounds; what it is for stands in the option itself. */
export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    const isInteger = /^-?\d+$/.test(text) && Number.isSafeInteger(value)
    if (!isInteger || value < min || value > max)
      throw new InvalidArgumentError(
        max === Number.MAX_SAFE_INTEGER ? `a whole number of at least ${min} is expected` : `a whole number from ${min} to ${max} is expected`,
      )
    return value
  }
}

/** As `quorum replication` shows it. */
export function directoryId(text: string): string {
  if (!/^[0-9a-f]{32}$/i.test(text)) throw new InvalidArgumentError('32 hexadecimal digits are expected, as quorum replication shows them')
  return text.toLowerCase()
}

export type KeyValue = readonly [key: string, value: string]

/** Collects `--header K=V`, in order; a key may come again. */
export function keyValues(text: string, before: readonly KeyValue[] = []): readonly KeyValue[] {
  const at = text.indexOf('=')
  if (at <= 0) throw new InvalidArgumentError('KEY=VALUE is expected')
  return [...before, [text.slice(0, at), text.slice(at + 1)]]
}

/** Collects `--config K=V`; of a key that comes again the last value counts. */
export function keyValue(text: string, before: ReadonlyMap<string, string> = new Map()): ReadonlyMap<string, string> {
  return new Map(keyValues(text, [...before]))
}

/** Collects an option that may be repeated. */
export function words(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text]
}

export function withOutput(command: Command): Command {
  return command
    .addOption(new Option('-o, --output <format>', 'table for eyes, json for programs').choices(['table', 'json']).default('table'))
    .option('--debug', 'show where an error came from')
}

export function withCluster(command: Command, timeoutMs: number = DEFAULT_TIMEOUT_MS): Command {
  return withOutput(command)
    .option('--bootstrap <host:port,…>', `nodes to ask first (default: OXBOW_BOOTSTRAP, else ${DEFAULT_BOOTSTRAP})`)
    .addOption(new Option('--timeout <ms>', 'give up after so many milliseconds').argParser(integer(1)).default(timeoutMs))
}

/** Checks `HOST:PORT[,…]`. IPv6 hosts stand in brackets. */
export function parseBootstrap(text: string): readonly string[] {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  for (const part of parts) {
    const port = Number(/^(?:\[[0-9a-fA-F:]+\]|[^\s:]+):(\d{1,5})$/.exec(part)?.[1] ?? Number.NaN)
    if (!(port >= 1 && port <= 65_535)) throw new UsageError(`"${part}" is not HOST:PORT`, `for example --bootstrap ${DEFAULT_BOOTSTRAP}`)
  }
  if (parts.length === 0) throw new UsageError('no address to talk to', `for example --bootstrap ${DEFAULT_BOOTSTRAP}`)
  return parts
}

export function clusterOptions(context: CliContext, raw: RawClusterOptions): ClusterOptions {
  const bootstrap = parseBootstrap(raw.bootstrap ?? (context.env.OXBOW_BOOTSTRAP || DEFAULT_BOOTSTRAP))
  return { bootstrap, output: raw.output, timeoutMs: raw.timeout }
}
