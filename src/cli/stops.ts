import type { CliContext } from './context.ts'

/** What ends the sending before the end of the input. */
export class Stops {
  readonly interrupted: Promise<void>
  /** An interrupt, or nobody takes the list of what was promised. */
  readonly any: Promise<void>
  readonly #undo: (() => void)[] = []
  #isInterrupted = false
  #stdoutError: Error | undefined

  constructor(context: CliContext) {
    this.interrupted = new Promise((say) => {
      this.#undo.push(
        context.onInterrupt(() => {
          this.#isInterrupted = true
          say()
        }),
      )
    })
    const stdoutFailure = new Promise<void>((say) => {
      this.#undo.push(
        context.onStdoutError((error) => {
          this.#stdoutError ??= error
          say()
        }),
      )
    })
    this.any = Promise.race([this.interrupted, stdoutFailure])
  }

  get isInterrupted(): boolean {
    return this.#isInterrupted
  }

  get stdoutError(): Error | undefined {
    return this.#stdoutError
  }

  get isAny(): boolean {
    return this.#isInterrupted || this.#stdoutError !== undefined
  }

  release(): void {
    for (const undo of this.#undo) undo()
  }
}
