import type { TextSink } from './context.ts'

const REFRESH_MS = 500
/** To the first column, and nothing behind it. */
const ERASE_LINE = '\r\u001b[K'

/** One line at the bottom of a terminal that is written over; elsewhere nothing is shown at all (cli.md, Everywhere). */
export class LiveLine {
  readonly #sink: TextSink
  readonly #isShown: boolean
  #timer: NodeJS.Timeout | undefined

  /** `isWanted`: nothing else is written to that terminal by this command, nor typed. */
  constructor(sink: TextSink, isWanted: boolean) {
    this.#sink = sink
    this.#isShown = isWanted && sink.isTTY === true
  }

  /** What goes in front of another line on the same terminal. */
  get erasing(): string {
    return this.#isShown ? ERASE_LINE : ''
  }

  start(text: () => string): void {
    if (!this.#isShown) return
    this.#sink.write(`${ERASE_LINE}${text()}`)
    this.#timer = setInterval(() => this.#sink.write(`${ERASE_LINE}${text()}`), REFRESH_MS)
  }

  /** Takes the line away. */
  stop(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#sink.write(ERASE_LINE)
  }
}
