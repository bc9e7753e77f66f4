import { BrokerError } from '../base/errors.ts'
import { call, callVoid, runTask, type Task } from '../base/task.ts'
import type { LogDirectory } from '../log/surface.ts'
import { readBatchHeader } from '../record/batch.ts'
import type { LogReset } from '../replication/effects.ts'
import { BELOW_START_NOTE, type BelowStart, encodeBelowStart } from './below-start.ts'
import type { Replica } from './replica.ts'

export interface LogStartsOptions {
  readonly directoryOf: (replica: Replica) => LogDirectory
  /** It is still one of this node, and serves. */
  readonly isCurrent: (replica: Replica) => boolean
  readonly failed: (replica: Replica, error: Error) => void
}

interface Job {
  readonly task: () => Task<void>
  readonly done: () => void
}

/**
 * Takes log starts to the disk, one step after the other a replica: the note of what outlives the records is synced first, then the log moves its
 * start and lets its oldest segments go. A crash anywhere between leaves a log with all that is said of it.
 */
export class LogStarts {
  readonly #options: LogStartsOptions
  /** What waits for each replica that is at a step now. */
  readonly #waiting = new Map<Replica, Job[]>()

  constructor(options: LogStartsOptions) {
    this.#options = options
  }

  /** The machine moved its start; it is told with `startSynced`. Several moves may end in one. */
  advance(replica: Replica): void {
    this.#add(replica, { task: () => this.#advance(replica), done: () => undefined })
  }

  /** Before a log is reset: `done` once what the leader told is on the disk. The reset itself is up to the machine, which may by then have no use for it. */
  prepareReset(replica: Replica, reset: LogReset, done: () => void): void {
    this.#add(replica, { task: () => this.#noteReset(replica, reset), done })
  }

  #add(replica: Replica, job: Job): void {
    const waiting = this.#waiting.get(replica)
    if (waiting !== undefined) {
      waiting.push(job)
      return
    }
    this.#waiting.set(replica, [])
    this.#run(replica, job)
  }

  #run(replica: Replica, job: Job): void {
    runTask(job.task(), (error) => {
      if (error === undefined) job.done()
      else if (!(error instanceof BrokerError)) throw error
      else if (this.#options.isCurrent(replica)) this.#options.failed(replica, error)
      const next = this.#waiting.get(replica)?.shift()
      if (next === undefined) this.#waiting.delete(replica)
      else this.#run(replica, next)
    })
  }

  *#advance(replica: Replica): Task<void> {
    const { core, log } = replica
    const offset = core.logStartOffset
    if (!this.#isDue(replica, offset)) return
    const batches = yield* call<readonly Buffer[]>((done) => log.read(offset, 1, done))
    const first = batches[0]
    const batchOffset = first === undefined ? offset : readBatchHeader(first, 0).baseOffset
    yield* this.#note(replica, { epochs: core.epochs, producers: core.producerSnapshot() })
    if (!this.#isDue(replica, offset)) return
    yield* callVoid((done) => log.advanceStart(offset, done))
    replica.step({ type: 'startSynced', offset, batchOffset })
  }

  /** Not when the replica is gone, or was reset beyond meanwhile. */
  #isDue(replica: Replica, offset: number): boolean {
    return this.#options.isCurrent(replica) && offset > replica.log.startOffset && offset <= replica.log.syncedEndOffset
  }

  *#noteReset(replica: Replica, reset: LogReset): Task<void> {
    if (!this.#options.isCurrent(replica)) return
    const { offset, epoch, producers } = reset
    const older = replica.core.epochs.filter((entry) => entry.epoch < epoch)
    const epochs = epoch < 0 ? [] : [...older, { epoch, startOffset: offset - 1 }]
    yield* this.#note(replica, { epochs, producers: { endOffset: offset, producers } })
  }

  *#note(replica: Replica, below: BelowStart): Task<void> {
    const { name } = replica.log
    yield* callVoid((done) => this.#options.directoryOf(replica).writeNote(name, BELOW_START_NOTE, encodeBelowStart(below), done))
  }
}
