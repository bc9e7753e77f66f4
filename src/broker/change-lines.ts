import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log-line.ts'

/** A line each for so many changes of one turn: one decision may change the leader of ten thousand partitions, and lines take longer than that. */
const LINES_A_TURN = 100

export type ReplicaChange = 'becameLeader' | 'becameFollower' | 'isrChanged'

/** Which changes of replicas are logged one by one, and the line that counts the others. */
export class ChangeLines {
  readonly #clock: Pick<Clock, 'defer'>
  readonly #logger: Logger
  #left = LINES_A_TURN
  #others = { becameLeader: 0, becameFollower: 0, isrChanged: 0 }

  constructor(options: { readonly clock: Pick<Clock, 'defer'>; readonly logger: Logger }) {
    this.#clock = options.clock
    this.#logger = options.logger
  }

  /** False: it is counted with others, and its own line is for who debugs. */
  isTold(change: ReplicaChange): boolean {
    if (this.#left === LINES_A_TURN) this.#clock.defer(() => this.#endTurn())
    if (this.#left > 0) {
      this.#left -= 1
      return true
    }
    this.#others[change] += 1
    return false
  }

  #endTurn(): void {
    const others = this.#others
    this.#left = LINES_A_TURN
    this.#others = { becameLeader: 0, becameFollower: 0, isrChanged: 0 }
    const { becameLeader, becameFollower, isrChanged } = others
    if (becameLeader + becameFollower + isrChanged === 0) return
    this.#logger.info(
      others,
      `and more at once: ${becameLeader} times leader, ${becameFollower} times follower, ${isrChanged} times another ISR (a line each with the log level debug)`,
    )
  }
}
