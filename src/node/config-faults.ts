/** One thing that is wrong with a cluster, or, as a warning, that is probably not meant. `key` as a reader would point at it: `nodes[1].grpcPort`. */
export interface ConfigFault {
  readonly key: string
  /** As written; undefined when it is missing. */
  readonly value: unknown
  readonly expected: string
  /** From 1; null: it stands in the environment, and `key` is the variable. */
  readonly line: number | null
}

/** Everything that is wrong with a cluster file and the environment around it, at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly path: string
  readonly faults: readonly ConfigFault[]

  constructor(path: string, faults: readonly ConfigFault[]) {
    super(faults.map((fault) => locateFault(path, fault)).join('\n'))
    this.path = path
    this.faults = faults
  }
}

/** There is nothing to judge: no such file, or no such node in it. `hint`: what to do next. */
export class NoSuchConfigError extends Error {
  override readonly name = 'NoSuchConfigError'
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

const MAX_VALUE_LENGTH = 120

/** A value as it may stand in a line of text: YAML can hold mappings within themselves, and anything of any length. */
export function valueText(value: unknown): string {
  if (typeof value === 'number') return String(value)
  let text: string
  try {
    text = JSON.stringify(value) ?? String(value)
  } catch {
    text = 'a value that holds itself'
  }
  return text.length <= MAX_VALUE_LENGTH ? text : `${text.slice(0, MAX_VALUE_LENGTH)}…`
}

export function describeFault(fault: ConfigFault): string {
  const value = fault.value === undefined ? 'is missing' : `is ${valueText(fault.value)}`
  return `${fault.key} ${value}, expected ${fault.expected}`
}

/** With the file and line in front, or the word environment. */
export function locateFault(path: string, fault: ConfigFault): string {
  return fault.line === null ? `environment: ${describeFault(fault)}` : `${path}:${fault.line}: ${describeFault(fault)}`
}

/** As they stand in the file, those of the environment first. */
export function byLine(a: ConfigFault, b: ConfigFault): number {
  return (a.line ?? 0) - (b.line ?? 0)
}

/** `nodes[1].config.min.insync.replicas` */
export function keyText(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path) text += typeof part === 'number' ? `[${part}]` : `${text === '' ? '' : '.'}${String(part)}`
  return text === '' ? 'the file' : text
}
