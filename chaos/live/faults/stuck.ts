/** What was broken is not any more, and the cluster did not come back in time: that is no failure of whoever broke it. */
export class StuckError extends Error {
  override readonly name = 'StuckError'
}

/** Whatever it rejects with, that is how the cluster is stuck. */
export async function orStuck<T>(waiting: Promise<T>, why: () => string = () => ''): Promise<T> {
  try {
    return await waiting
  } catch (error) {
    throw new StuckError(`${error instanceof Error ? error.message : String(error)}${why()}`)
  }
}
