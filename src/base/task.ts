import type { Done } from './done.ts'

/** One seam call that a task waits for. */
export type Step = (resume: (error: Error | undefined, value: unknown) => void) => void

/** A sequence of seam calls written top to bottom: `const bytes = yield* call<Buffer>((done) => file.read(0, 61, done))`. */
export type Task<T> = Generator<Step, T, unknown>

/** Waits for one seam call inside a task; its error is thrown there. */
export function* call<T>(start: (done: Done<T>) => void): Task<T> {
  return (yield (resume) => start(resume)) as T
}

/** Waits for a seam call that yields nothing. */
export function* callVoid(start: (done: (error: Error | undefined) => void) => void): Task<void> {
  yield (resume) => start((error) => resume(error, undefined))
}

/**
 * Runs a task. No promise is made, so that its turns are exactly the completions of the seams, in the simulator too.
 * `done` is called once, with what the task returned or threw.
 */
export function runTask<T>(task: Task<T>, done: Done<T>): void {
  const advance = (error: Error | undefined, value: unknown): void => {
    let result: IteratorResult<Step, T>
    try {
      result = error === undefined ? task.next(value) : task.throw(error)
    } catch (thrown) {
      done(thrown instanceof Error ? thrown : new Error(String(thrown)), undefined as T)
      return
    }
    if (result.done === true) done(undefined, result.value)
    else result.value(advance)
  }
  advance(undefined, undefined)
}
