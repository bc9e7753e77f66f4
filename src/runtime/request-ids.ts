import type { Uuid } from '../base/ids.ts'

/** Apart for each incarnation, so that an answer to a process that is gone is not taken for one to its successor. */
export function firstRequestId(incarnationId: Uuid): number {
  return Number.parseInt(incarnationId.slice(0, 10), 16) + 1
}
