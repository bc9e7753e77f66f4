import type { Level } from './parse.ts'

export type Counts = { [level in Level]?: number }

/** `start`: event time ms, inclusive. Closed: nothing that comes later changes it. */
export interface Window {
  readonly name: string
  readonly start: number
  readonly counts: Counts
  isClosed: boolean
}

/** Of one log, since ever: `counts` has every event, the late ones too. */
export interface Totals {
  readonly name: string
  readonly counts: Counts
  late: number
  malformed: number
  /** The largest event time, ms. */
  maxTime: number
}

export interface WindowsState {
  readonly totals: Totals[]
  readonly windows: Window[]
}

export type Update = ({ readonly type: 'window' } & Window) | ({ readonly type: 'totals' } & Totals)

export interface WindowsOptions {
  readonly sizeMs: number
  /** An event may come so long behind the newest one of its log: then its window is closed, and it counts as late. */
  readonly latenessMs: number
  /** Windows kept of each log. An event that is older than all of them is late too. */
  readonly keep: number
}

/**
 * Windows of event time, tumbling, one row a log and a window. Each log has a clock of its own, its newest event less the lateness that is
 * allowed: logs that are read at different speeds do not make each other late, and what is late follows from the order of lines alone, so a
 * process that counts again from an older state counts the same.
 */
export class Windows {
  readonly #options: WindowsOptions
  readonly #totals = new Map<string, Totals>()
  readonly #windows = new Map<string, Map<number, Window>>()
  readonly #changed = new Map<string, Update>()

  constructor(options: WindowsOptions, state?: WindowsState) {
    this.#options = options
    for (const totals of state?.totals ?? []) this.#totals.set(totals.name, totals)
    for (const window of state?.windows ?? []) this.#ofLog(window.name).set(window.start, window)
  }

  add(name: string, event: { readonly time: number; readonly level: Level }): void {
    const { sizeMs, latenessMs } = this.#options
    const totals = this.#totalsOf(name)
    count(totals.counts, event.level)
    const start = Math.floor(event.time / sizeMs) * sizeMs
    if (start + sizeMs + latenessMs <= totals.maxTime) totals.late++
    else {
      const windows = this.#ofLog(name)
      const window = windows.get(start) ?? { name, start, counts: {}, isClosed: false }
      count(window.counts, event.level)
      windows.set(start, window)
      this.#note({ type: 'window', ...window })
      if (event.time > totals.maxTime) {
        totals.maxTime = event.time
        this.#close(totals)
      }
    }
    this.#note({ type: 'totals', ...totals })
  }

  addMalformed(name: string): void {
    const totals = this.#totalsOf(name)
    totals.malformed++
    this.#note({ type: 'totals', ...totals })
  }

  /** What changed since it was asked last, each as it is now. */
  takeChanges(): Update[] {
    const changes = [...this.#changed.values()]
    this.#changed.clear()
    return changes
  }

  get state(): WindowsState {
    return { totals: [...this.#totals.values()], windows: [...this.#windows.values()].flatMap((windows) => [...windows.values()]) }
  }

  #close({ name, maxTime }: Totals): void {
    const { sizeMs, latenessMs, keep } = this.#options
    const windows = this.#ofLog(name)
    for (const window of windows.values()) {
      if (window.isClosed || window.start + sizeMs + latenessMs > maxTime) continue
      window.isClosed = true
      this.#note({ type: 'window', ...window })
    }
    const closed = [...windows.values()].filter(({ isClosed }) => isClosed).sort((a, b) => a.start - b.start)
    for (const { start } of closed.slice(0, Math.max(0, windows.size - keep))) windows.delete(start)
  }

  #note(update: Update): void {
    this.#changed.set(update.type === 'window' ? `${update.start} ${update.name}` : update.name, { ...update, counts: { ...update.counts } })
  }

  #totalsOf(name: string): Totals {
    const totals = this.#totals.get(name) ?? { name, counts: {}, late: 0, malformed: 0, maxTime: 0 }
    this.#totals.set(name, totals)
    return totals
  }

  #ofLog(name: string): Map<number, Window> {
    const windows = this.#windows.get(name) ?? new Map<number, Window>()
    this.#windows.set(name, windows)
    return windows
  }
}

function count(counts: Counts, level: Level): void {
  counts[level] = (counts[level] ?? 0) + 1
}

export function sum(counts: Counts): number {
  return Object.values(counts).reduce((total, one) => total + one, 0)
}
