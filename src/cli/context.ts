import { styleText } from 'node:util'
import type { OxbowClient } from '../client/client.ts'
import type { ClientTransport } from '../client/transport.ts'
import type { ClockProbe } from './clock-probe.ts'
import { type Failure, failureJson, failureLine, failureOf } from './failure.ts'
import type { TcpProbe } from './tcp-probe.ts'

/** Where text goes; process.stdout is one. */
export interface TextSink {
  readonly isTTY?: boolean
  /** Bytes that were written and not taken yet. */
  readonly writableLength: number
  write(chunk: string | Uint8Array, done?: (error?: Error | null) => void): boolean
}

export interface ClientSettings {
  readonly bootstrap: readonly string[]
  readonly requestTimeoutMs: number
  readonly wrap?: (transport: ClientTransport) => ClientTransport
}

/** What a command sees of the process it runs in. Tests bring their own. */
export interface CliContext {
  readonly stdin: AsyncIterable<Buffer | string> & { readonly isTTY?: boolean }
  readonly stdout: TextSink
  readonly stderr: TextSink
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds since the process began. */
  uptimeMs(): number
  /** `wrap`: what stands between the client and the network, for `--debug`. */
  openClient(options: ClientSettings): Promise<OxbowClient>
  probeTcp: TcpProbe
  probeClock: ClockProbe
  /** Calls back on SIGINT or SIGTERM instead of ending; answers how to undo that. */
  onInterrupt(handler: () => void): () => void
  /** Calls back when stdout takes no more; only the latest handler is called. Answers how to undo that. */
  onStdoutError(handler: (error: Error) => void): () => void
}

export type OutputFormat = 'table' | 'json'

/** Headings are bold on a terminal; plain text everywhere else and with NO_COLOR. */
export function headingStyle(context: CliContext): (text: string) => string {
  const colours = context.stdout.isTTY === true && (context.env.NO_COLOR ?? '') === ''
  return colours ? (text) => styleText('bold', text) : (text) => text
}

/** One line for people, and one of JSON for programs that asked for it. */
export function writeFailure(context: CliContext, failure: Failure, output: OutputFormat): void {
  context.stderr.write(`${failureLine(failure)}\n`)
  if (output === 'json') context.stderr.write(`${failureJson(failure)}\n`)
}

/** Says what failed, on stderr, and answers the exit code. */
export function reportFailure(context: CliContext, error: unknown, options: { readonly output: OutputFormat; readonly debug: boolean }): number {
  const failure = failureOf(error)
  writeFailure(context, failure, options.output)
  if (options.debug && error instanceof Error) context.stderr.write(`${error.stack}\n`)
  return failure.exitCode
}
