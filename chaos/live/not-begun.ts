import { BrokerError } from '../../src/base/errors.ts'
import type { ChaosRunOptions } from './run-options.ts'
import { NamespacesError } from './netns/namespaces.ts'

/** No topic can be as the load was asked to have it. */
export class RefusedTopicError extends Error {
  override readonly name = 'RefusedTopicError'
}

/** There was no cluster to make an experiment on: that says nothing of how it keeps its promises. */
export class NotBegunError extends Error {
  override readonly name = 'NotBegunError'
}

/** What a run rejects with when something failed before there was any load: who asked for what cannot be is told so, all else proves nothing. */
export function notBegun(error: unknown, { attached }: ChaosRunOptions): Error {
  if (error instanceof NamespacesError || error instanceof NotBegunError || error instanceof RefusedTopicError) return error
  // Who named a cluster that does not answer is told so as by any command.
  if (error instanceof BrokerError && attached !== undefined) return error
  return new NotBegunError(`there was no cluster to begin with: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
}
