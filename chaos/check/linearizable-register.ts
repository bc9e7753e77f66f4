/** One client call on a register, in any clock that all clients share; a call that returns at the time another begins overlaps it. */
export interface RegisterOperation {
  readonly type: 'read' | 'write'
  /** What was read, or written; null: nothing was written yet. */
  readonly value: string | null
  readonly calledAt: number
  /** Infinity: the outcome never came. Such a write may have happened at any time since, or never; such a read says nothing. */
  readonly returnedAt: number
}

/**
 * Whether each call can be given one moment between its begin and its return, so that every read sees the write before it. Returns undefined
 * when it can; else a call that finds no moment in the attempt that came furthest.
 * Wing and Gong's search with Lowe's memory of what was tried (Testing for Linearizability, 2016): the same calls done in whatever order, with
 * the same value left, go on in the same way.
 */
export function findUnlinearizable(history: readonly RegisterOperation[], initial: string | null = null): RegisterOperation | undefined {
  const operations = history.filter(({ type, returnedAt }) => type === 'write' || returnedAt < Infinity)
  operations.sort((left, right) => left.calledAt - right.calledAt || left.returnedAt - right.returnedAt)
  return new Search(operations).run(initial)
}

class Search {
  readonly #operations: readonly RegisterOperation[]
  readonly #isDone: boolean[]
  readonly #tried = new Set<string>()
  #doneCount = 0
  #furthest = -1
  #stuckAt: RegisterOperation | undefined

  constructor(operations: readonly RegisterOperation[]) {
    this.#operations = operations
    this.#isDone = operations.map(() => false)
  }

  run(initial: string | null): RegisterOperation | undefined {
    return this.#place(0, initial) ? undefined : this.#stuckAt
  }

  /** Places the rest; all before `first` are placed. */
  #place(first: number, value: string | null): boolean {
    let from = first
    while (this.#isDone[from] === true) from++
    const urgent = this.#firstToReturn(from)
    if (urgent === undefined) return true
    const key = this.#keyOf(from, value)
    if (this.#tried.has(key)) return false
    this.#tried.add(key)
    const candidates = this.#candidates(from, urgent.returnedAt)
    // A read that fits now fits best now: it leaves the value as it is.
    const read = candidates.find((at) => this.#operations[at]?.type === 'read' && this.#operations[at]?.value === value)
    if (read !== undefined) return this.#tryAt(read, from, value)
    if (this.#doneCount > this.#furthest) {
      this.#furthest = this.#doneCount
      this.#stuckAt = urgent
    }
    return candidates.some((at) => this.#operations[at]?.type === 'write' && this.#tryAt(at, from, (this.#operations[at] as RegisterOperation).value))
  }

  #tryAt(at: number, from: number, value: string | null): boolean {
    this.#isDone[at] = true
    this.#doneCount++
    const isPlaced = this.#place(from, value)
    this.#isDone[at] = false
    this.#doneCount--
    return isPlaced
  }

  /** Of those that are left: whatever comes next comes before its return. Undefined: only writes are left whose outcome never came. */
  #firstToReturn(from: number): RegisterOperation | undefined {
    let first: RegisterOperation | undefined
    for (let at = from; at < this.#operations.length; at++) {
      const operation = this.#operations[at] as RegisterOperation
      if (first !== undefined && operation.calledAt > first.returnedAt) break
      if (this.#isDone[at] !== true && operation.returnedAt < (first?.returnedAt ?? Infinity)) first = operation
    }
    return first
  }

  #candidates(from: number, until: number): number[] {
    const found: number[] = []
    for (let at = from; at < this.#operations.length && (this.#operations[at] as RegisterOperation).calledAt <= until; at++) {
      if (this.#isDone[at] !== true) found.push(at)
    }
    return found
  }

  #keyOf(from: number, value: string | null): string {
    const done: number[] = []
    for (let at = from; at < this.#isDone.length; at++) if (this.#isDone[at] === true) done.push(at)
    return `${from} ${done.join()} ${value ?? 'nothing'}`
  }
}
