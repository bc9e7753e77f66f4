/** What the command reads or writes itself broke, so that not all was done; with the cluster there is nothing wrong. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly code: 'INPUT_FAILED' | 'OUTPUT_FAILED'

  constructor(code: StreamError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A reader such as `head` that has seen enough is no failure. */
export function isReaderGone(error: Error): boolean {
  return (error as NodeJS.ErrnoException).code === 'EPIPE'
}

export function stdoutFailed(cause: Error, consequence = 'the answer is not complete'): StreamError {
  return new StreamError('OUTPUT_FAILED', `stdout takes no more (${cause.message}): ${consequence}`, { cause })
}
