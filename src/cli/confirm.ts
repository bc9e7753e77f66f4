import type { CliContext } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import { LineSplitter } from './lines.ts'

/** Undefined when the input ends without one. */
async function firstLine(input: CliContext['stdin']): Promise<string | undefined> {
  const splitter = new LineSplitter()
  for await (const chunk of input) {
    const [line] = splitter.feed(typeof chunk === 'string' ? Buffer.from(chunk) : chunk)
    if (line !== undefined) return line.toString()
  }
  return undefined
}

export interface Question {
  /** `Delete orders with all records?` */
  readonly question: string
  /** `deleting orders` */
  readonly doing: string
  readonly refused: string
}

/** The exit code when it is not wanted. The terminal itself edits the line, so that Ctrl-C is an interrupt and Ctrl-D the end of the input. */
export async function confirm(
  context: CliContext,
  { question, doing, refused }: Question,
): Promise<typeof exitCode.refused | typeof exitCode.interrupted | undefined> {
  if (context.stdin.isTTY !== true) throw new UsageError(`${doing} needs a yes, and there is no terminal to ask`, 'add --yes')
  context.stderr.write(`${question} Type yes: `)
  let release: () => void = () => {}
  const interrupted = new Promise<typeof exitCode.interrupted>((say) => {
    release = context.onInterrupt(() => say(exitCode.interrupted))
  })
  const answer = await Promise.race([firstLine(context.stdin), interrupted])
  release()
  if (typeof answer === 'string' && answer.trim().toLowerCase() === 'yes') return undefined
  // Without an answer the cursor still stands behind the question.
  if (typeof answer !== 'string') context.stderr.write('\n')
  context.stderr.write(`${refused}\n`)
  return answer === exitCode.interrupted ? answer : exitCode.refused
}
