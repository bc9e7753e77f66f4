import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import type { RawClusterOptions } from '../options.ts'

/** What every command's action gets: the context, and where its exit code goes. */
export interface Wiring {
  readonly context: CliContext
  finish(code: number): void
}

export type Raw = RawClusterOptions & Readonly<Record<string, unknown>>

/** An example comes first in every help. */
export function example(command: Command, ...lines: readonly string[]): Command {
  return command.addHelpText('before', `Example:\n${lines.map((line) => `  $ ${line}\n`).join('')}`)
}
