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
  /** False: it could not be done now, and whoever asked for it will ask again. */
  readonly task: () => Task<boolean>
  readonly done: () => void
}

/**
 * Takes log starts to the disk, one step after the other a replica: the note of what outlives the records is synced first, then the log moves its
 * start and lets its oldest segments go. A crash anywhere between leaves a log with all that is said of it.
 * A disk with nothing free takes no such note, and only a start that moves frees some: then the note follows once there is room for it. Until it does, a
 * crash loses who wrote what is gone, and no more.
 */
export class LogStarts {
  readonly #options: LogStartsOptions
  /** What waits for each replica that is at a step now. */
  readonly #waiting = new Map<Replica, Job[]>()
  /** Their start has moved, and the note of what is below is still due. */
  readonly #owing = new Set<Replica>()

  constructor(options: LogStartsOptions) {
    this.#options = options
  }

  /** The machine moved its start; it is told with `startSynced`. Several moves may end in one. */
  advance(replica: Replica): void {
    this.#add(replica, { task: () => this.#advance(replica), done: () => undefined })
  }

  /** No step of it is under way. */
  isIdle(replica: Replica): boolean {
    return !this.#waiting.has(replica)
  }

  /** Before a log is reset: `done` once what the leader told is on the disk; never where that takes no more, the leader says it again. The reset itself is up to the machine, which may by then have no use for it. */
  prepareReset(replica: Replica, reset: LogReset, done: () => void): void {
    this.#add(replica, { task: () => this.#noteReset(replica, reset), done })
  }

  /** Now and then: what there was no room for. */
  noteOwed(): void {
    for (const replica of this.#owing) {
      if (replica.isHeld) continue
      if (this.#options.isCurrent(replica)) this.#add(replica, { task: () => this.#noteBelow(replica), done: () => undefined })
      else this.#owing.delete(replica)
    }
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
    runTask(job.task(), (error, isDone) => {
      if (error === undefined && isDone) job.done()
      else if (error !== undefined && !(error instanceof BrokerError)) throw error
      else if (error !== undefined && this.#options.isCurrent(replica)) this.#options.failed(replica, error)
      const next = this.#waiting.get(replica)?.shift()
      if (next === undefined) this.#waiting.delete(replica)
      else this.#run(replica, next)
    })
  }

  *#advance(replica: Replica): Task<boolean> {
    const { log } = replica
    const offset = replica.core.logStartOffset
    if (!this.#isDue(replica, offset)) return true
    const batches = yield* call<readonly Buffer[]>((done) => log.read(offset, 1, done))
    const first = batches[0]
    const batchOffset = first === undefined ? offset : readBatchHeader(first, 0).baseOffset
    const isNoted = yield* this.#noteBelow(replica)
    if (!this.#isDue(replica, offset)) return isNoted
    yield* callVoid((done) => log.advanceStart(offset, done))
    replica.step({ type: 'startSynced', offset, batchOffset })
    return isNoted
  }

  /** As of now: that holds for any start up to the high watermark. */
  *#noteBelow(replica: Replica): Task<boolean> {
    const { epochs } = replica.core
    const isNoted = yield* this.#note(replica, { epochs, producers: replica.core.producerSnapshot() })
    if (!isNoted && !this.#owing.has(replica))
      replica.logger.warn({}, 'who wrote what is below the log start could not be noted (is the disk full?); tried again')
    if (isNoted) this.#owing.delete(replica)
    else this.#owing.add(replica)
    return isNoted
  }

  /** Not when the replica is gone, or was reset beyond meanwhile, or begun anew below. */
  #isDue(replica: Replica, offset: number): boolean {
    const { core, log } = replica
    return this.#options.isCurrent(replica) && offset > log.startOffset && offset <= log.syncedEndOffset && offset <= core.logStartOffset
  }

  *#noteReset(replica: Replica, reset: LogReset): Task<boolean> {
    if (!this.#options.isCurrent(replica)) return true
    const { offset, epoch, producers } = reset
    const older = replica.core.epochs.filter((entry) => entry.epoch < epoch)
    const epochs = epoch < 0 ? [] : [...older, { epoch, startOffset: offset - 1 }]
    return yield* this.#note(replica, { epochs, producers: { endOffset: offset, producers } })
  }

  *#note(replica: Replica, below: BelowStart): Task<boolean> {
    const { name } = replica.log
    return yield* call<boolean>((done) => this.#options.directoryOf(replica).tryNote(name, BELOW_START_NOTE, encodeBelowStart(below), done))
  }
}
