/** One command of a guide, as a reader would type it. */
export interface GuideCommand {
  readonly type: 'command'
  readonly command: string
  /** What is printed for it in the guide; empty: not compared. `…` stands for any text within a line, alone on a line for any lines. */
  readonly expected: readonly string[]
  /** Goes on running, as in a terminal of its own, once what is expected was printed. */
  readonly stays: boolean
  /** Said in the guide as `# exits N` behind the command. */
  readonly exitCode: number
  /** Said in the guide as `console needs=WORD`: what it takes beyond Node and a shell, a word of guide-needs.ts. */
  readonly needs: string | undefined
  /** From 1. */
  readonly line: number
}

/** A file that the reader is shown, and makes. */
export interface GuideFile {
  readonly type: 'file'
  readonly name: string
  readonly content: string
  readonly line: number
}

export type GuideStep = GuideCommand | GuideFile

const FENCE = /^```(\S*)\s*(.*)$/
const NEEDS = /(?:^|\s)needs=(\S+)/
const EXITS = /\s+# exits (\d+)$/

/**
 * The commands and files of a guide in Markdown, in order: blocks fenced as `console`, with `$ ` before each command (`console stays` when its
 * last command goes on running, `console needs=WORD` when it takes more than every reader has), and blocks fenced as `LANGUAGE file=NAME`.
 * A command goes on in the next line behind a backslash.
 */
export function readGuide(markdown: string): GuideStep[] {
  const steps: GuideStep[] = []
  const lines = markdown.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const [, language = '', info = ''] = FENCE.exec(lines[at] as string) ?? []
    if (language === '') continue
    const begin = at + 1
    do at++
    while (at < lines.length && lines[at] !== '```')
    const block = lines.slice(begin, at)
    const name = /(?:^|\s)file=(\S+)/.exec(info)?.[1]
    if (name !== undefined) steps.push({ type: 'file', name, content: `${block.join('\n')}\n`, line: begin })
    else if (language === 'console') steps.push(...readCommands(block, begin + 1, { stays: info.split(/\s+/).includes('stays'), needs: NEEDS.exec(info)?.[1] }))
  }
  return steps
}

function readCommands(block: readonly string[], firstLine: number, { stays, needs }: Pick<GuideCommand, 'stays' | 'needs'>): GuideCommand[] {
  const commands: GuideCommand[] = []
  for (let at = 0; at < block.length; at++) {
    const line = block[at] as string
    if (!line.startsWith('$ ')) throw new Error(`line ${firstLine + at}: a console block begins with "$ "`)
    const began = at
    let text = line.slice(2)
    while (text.endsWith('\\') && at + 1 < block.length) text = `${text}\n${block[++at]}`
    const exitCode = Number(EXITS.exec(text)?.[1] ?? 0)
    const expected: string[] = []
    while (at + 1 < block.length && !(block[at + 1] as string).startsWith('$ ')) expected.push(block[++at] as string)
    const isLast = at + 1 === block.length
    commands.push({ type: 'command', command: text.replace(EXITS, ''), expected, stays: stays && isLast, exitCode, needs, line: firstLine + began })
  }
  return commands
}

function words(line: string): string {
  return line.trim().replace(/\s+/g, ' ')
}

function matchesLine(expected: string, actual: string): boolean {
  const pattern = words(expected)
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${pattern}$`).test(words(actual))
}

/** Whether what was printed is what the guide shows; how wide a column is does not count. */
export function matchesOutput(expected: readonly string[], actual: readonly string[]): boolean {
  const [line, ...rest] = expected
  if (line === undefined) return actual.length === 0
  if (line.trim() === '…') return actual.some((_, at) => matchesOutput(rest, actual.slice(at))) || matchesOutput(rest, [])
  const [first, ...others] = actual
  return first !== undefined && matchesLine(line, first) && matchesOutput(rest, others)
}
