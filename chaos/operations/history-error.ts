/** A history that cannot be judged: a line that is none, a completion without its begin. A fault of whoever wrote it, not an anomaly. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError'
}
