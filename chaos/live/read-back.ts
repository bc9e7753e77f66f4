/** A record as it was acknowledged or read: where it is, and its line. Lines begin with their number, from 1. */
export interface PlacedLine {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

export interface ReadBack {
  /** Each breaks the promise (rules R1.1), as a sentence; the first few of a kind. */
  readonly violations: readonly string[]
  /** Numbers of lines that were neither acknowledged nor surely refused, and whether they are there. */
  readonly unknown: readonly { readonly number: number; readonly stored: boolean }[]
}

const MAX_OF_A_KIND = 5

export function lineNumber(value: string): number {
  return Number.parseInt(value, 10)
}

/** Collects sentences, a few of each kind and the count of the rest. */
class Findings {
  readonly #kinds = new Map<string, string[]>()

  add(kind: string, sentence: string): void {
    const sentences = this.#kinds.get(kind) ?? []
    sentences.push(sentence)
    this.#kinds.set(kind, sentences)
  }

  report(): string[] {
    return [...this.#kinds].flatMap(([kind, all]) => {
      const rest = all.length - MAX_OF_A_KIND
      return [...all.slice(0, MAX_OF_A_KIND).map((one) => `${kind}: ${one}`), ...(rest > 0 ? [`${kind}: and ${rest} more`] : [])]
    })
  }
}

/**
 * Compares what the cluster promised with what it holds: each acknowledged (partition, offset, line) is there unchanged, nothing twice,
 * order as sent, nothing that was not sent. `refused`: numbers of lines whose error was definite; one of them stored is a lie.
 */
export function compareReadBack(options: {
  /** Line n is at index n − 1. */
  readonly sent: readonly string[]
  readonly acknowledged: readonly PlacedLine[]
  readonly refused: ReadonlySet<number>
  /** In the order of reading. */
  readonly read: readonly PlacedLine[]
}): ReadBack {
  const { sent, acknowledged, refused, read } = options
  const findings = new Findings()
  const stored = new Map<string, string>()
  const places = new Map<number, string>()
  const lastNumber = new Map<number, number>()
  for (const { partition, offset, value } of read) {
    const place = `${partition}/${offset}`
    const number = lineNumber(value)
    if (stored.has(place)) findings.add('read twice', `offset ${place}`)
    stored.set(place, value)
    if (sent[number - 1] !== value) findings.add('not sent', `offset ${place} holds "${value.slice(0, 60)}"`)
    const earlier = places.get(number)
    if (earlier !== undefined) findings.add('twice', `line ${number} is at ${earlier} and at ${place}`)
    places.set(number, place)
    const before = lastNumber.get(partition) ?? 0
    if (number < before) findings.add('out of order', `line ${number} at ${place} comes after line ${before}`)
    lastNumber.set(partition, Math.max(before, number))
    if (refused.has(number)) findings.add('refused but stored', `line ${number} is at ${place}`)
  }
  const promised = new Set<number>()
  for (const { partition, offset, value } of acknowledged) {
    const place = `${partition}/${offset}`
    const number = lineNumber(value)
    if (promised.has(number)) findings.add('acknowledged twice', `line ${number}`)
    promised.add(number)
    const found = stored.get(place)
    if (found === undefined) findings.add('lost', `line ${number} was acknowledged at ${place}`)
    else if (found !== value) findings.add('changed', `${place} was acknowledged as line ${number} and holds "${found.slice(0, 60)}"`)
  }
  const unknown = sent.flatMap((_, at) => (promised.has(at + 1) || refused.has(at + 1) ? [] : [{ number: at + 1, stored: places.has(at + 1) }]))
  return { violations: findings.report(), unknown }
}
