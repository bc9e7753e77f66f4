import type { Alert } from './rules.ts'
import type { Totals, Update, Window } from './windows.ts'

const SHOWN_WINDOWS = 60
const SHOWN_ALERTS = 20
/** Rows that are kept: beyond them the oldest minutes go, some at a time. */
const MAX_ROWS = 20_000
const DROPPED_ROWS = 2_000

/** What is known of the rows of `logs.windows` and `logs.alerts`: of each row the newest version, of each alert one. */
export class Board {
  readonly #rows = new Map<string, { readonly version: number; readonly update: Update }>()
  readonly #alerts = new Map<string, Alert>()

  /** Whether it is news. An older version comes late from a process that is gone. */
  put(update: Update, version: number): boolean {
    const key = `${update.type} ${update.name} ${update.type === 'window' ? update.start : ''}`
    if ((this.#rows.get(key)?.version ?? -1) >= version) return false
    this.#rows.set(key, { version, update })
    if (this.#rows.size > MAX_ROWS) for (const { name, start } of this.windows.slice(-DROPPED_ROWS)) this.#rows.delete(`window ${name} ${start}`)
    return true
  }

  hasAlert(id: string): boolean {
    return this.#alerts.has(id)
  }

  /** Whether it is news. */
  putAlert(alert: Alert): boolean {
    if (this.#alerts.has(alert.id)) return false
    this.#alerts.set(alert.id, alert)
    return true
  }

  get totals(): Totals[] {
    return [...this.#rows.values()].flatMap(({ update }) => (update.type === 'totals' ? [update] : [])).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Of all logs, the newest first. */
  get windows(): Window[] {
    return [...this.#rows.values()].flatMap(({ update }) => (update.type === 'window' ? [update] : [])).sort((a, b) => b.start - a.start)
  }

  get alerts(): Alert[] {
    return [...this.#alerts.values()].sort((a, b) => b.start - a.start)
  }

  /** For the page and the terminal: bounded. */
  get view(): { readonly totals: Totals[]; readonly windows: Window[]; readonly alerts: Alert[] } {
    return { totals: this.totals, windows: this.windows.slice(0, SHOWN_WINDOWS), alerts: this.alerts.slice(0, SHOWN_ALERTS) }
  }
}
