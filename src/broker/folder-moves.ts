import type { Clock, Timer } from '../base/clock.ts'
import { BrokerError } from '../base/errors.ts'
import type { Logger } from '../base/log-line.ts'
import { callVoid, runTask, type Task } from '../base/task.ts'
import type { Log } from '../log/surface.ts'
import type { DataFolder, DataFolders } from './data-folders.ts'
import { FolderMove } from './folder-move.ts'
import type { Replica } from './replica.ts'

/** Readers that are on their way in the old log of a replica that was moved come to their end within this. */
const READERS_MS = 5_000

export interface FolderMovesOptions {
  readonly folders: DataFolders
  readonly clock: Clock
  readonly logger: Logger
  readonly segmentLimits: (replica: Replica) => Parameters<Log['limitSegments']>[0]
  readonly isStartIdle: (replica: Replica) => boolean
  readonly readFailed: (replica: Replica, error: Error) => void
  readonly kill: (replica: Replica, reason: string) => void
}

export interface FolderMoveRequest {
  /** The folder as an operator knows it; null: it stays where it is, what is under way ends. */
  readonly path: string | null
  /** null: no limit. */
  readonly bytesPerSecond: number | null
  readonly validateOnly: boolean
}

/** One move, and what is left of it on the disks. */
interface Running {
  readonly move: FolderMove
  /** Called once its copies are gone, or never will be in this process. */
  readonly over: (() => void)[]
  /** It is over but for the old log, which goes with this timer. */
  leaving: Timer | undefined
}

/** The moves of this node's replicas between its data folders, at most one a replica, and the copies that they leave. After a restart they begin anew. */
export class FolderMoves {
  readonly #options: FolderMovesOptions
  readonly #running = new Map<Replica, Running>()
  /** Why the last move of a log ended without success. */
  readonly #failures = new Map<string, string>()
  /** Moves of an earlier process that wait for their replica to be opened, and for what they left to be removed. */
  readonly #unfinished = new Map<string, { readonly path: string; readonly bytesPerSecond: number | null; replica: Replica | undefined }>()
  #stopped = false
  #idle: (() => void) | undefined

  constructor(options: FolderMovesOptions) {
    this.#options = options
  }

  /** Copies on their way, by the names of their logs, with the folders that they lie in. */
  *copies(): IterableIterator<{ readonly replica: Replica; readonly copy: Log; readonly path: string }> {
    for (const [replica, { move }] of this.#running) {
      if (move.copy !== undefined && !move.isDecided) yield { replica, copy: move.copy, path: move.target.path }
    }
  }

  failureOf(logName: string): string | null {
    return this.#failures.get(logName) ?? null
  }

  /** What an earlier process left is removed; what it was about goes on. */
  start(): void {
    const { folders, logger } = this.#options
    for (const { name, target, bytesPerSecond } of folders.unfinishedMoves())
      this.#unfinished.set(name, { path: target.path, bytesPerSecond, replica: undefined })
    for (const [name, folder] of folders.copies) {
      logger.info({ log: name, folder: folder.path }, `a copy of ${name} in ${folder.path} is left of a move between folders: it is removed`)
      runTask(this.#remove(name, folder), () => this.#goOn(name))
    }
  }

  /** Its log is open. */
  opened(replica: Replica): void {
    const unfinished = this.#unfinished.get(replica.log.name)
    if (unfinished === undefined) return
    unfinished.replica = replica
    this.#goOn(replica.log.name)
  }

  #goOn(name: string): void {
    const { folders } = this.#options
    const unfinished = this.#unfinished.get(name)
    if (unfinished?.replica === undefined || folders.copies.has(name)) return
    const { replica, path, bytesPerSecond } = unfinished
    this.#unfinished.delete(name)
    try {
      this.request(replica, { path, bytesPerSecond, validateOnly: false })
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#failures.set(name, error.detail)
      folders.noteMove(name, undefined)
      replica.logger.warn({ to: path, code: error.code }, `its move to data folder ${path} does not go on: ${error.detail}`)
    }
  }

  /** Begins a move, changes its limit, or ends it. Asking again for what is so, or under way, changes nothing more. Throws why it cannot be. */
  request(replica: Replica, { path, bytesPerSecond, validateOnly }: FolderMoveRequest): void {
    const { folders } = this.#options
    const { name } = replica.log
    const running = this.#running.get(replica)
    if (running?.move.isDecided === true && path !== running.move.target.path) throw leaving(running)
    const target = path === null ? folders.of(name) : folders.at(path)
    if (target === folders.of(name)) {
      const isUnfinished = !validateOnly && this.#unfinished.delete(name)
      if (isUnfinished) folders.noteMove(name, undefined)
      if (running === undefined && path === null && !isUnfinished)
        throw new BrokerError('NO_REASSIGNMENT_IN_PROGRESS', 'the replica is not being moved to another folder')
      if (!validateOnly) running?.move.end(new BrokerError('INVALID_REQUEST', 'it was cancelled'))
      return
    }
    if (running !== undefined && running.move.target !== target)
      throw new BrokerError('INVALID_REQUEST', `the replica is on its way to ${running.move.target.path}: cancel that first`)
    if (running !== undefined) {
      if (validateOnly) return
      running.move.bytesPerSecond = bytesPerSecond
      folders.noteMove(name, bytesPerSecond)
      return
    }
    this.#check(replica, target)
    if (!validateOnly) this.#begin(replica, target, bytesPerSecond)
  }

  #check(replica: Replica, target: DataFolder): void {
    const { folders } = this.#options
    const { name, sizeBytes } = replica.log
    const { isLow, freeBytes } = target.space
    if (this.#stopped) throw new BrokerError('KAFKA_STORAGE_ERROR', 'the node is stopping')
    if (replica.dead || replica.core.role === 'offline') throw new BrokerError('KAFKA_STORAGE_ERROR', 'the replica is offline')
    if (replica.damaged) throw new BrokerError('KAFKA_STORAGE_ERROR', 'the replica is damaged: it is repaired where it is first')
    if (folders.isFailed(target)) throw new BrokerError('KAFKA_STORAGE_ERROR', `data folder ${target.path} failed`)
    const left = folders.copies.get(name)
    if (left !== undefined)
      throw new BrokerError('KAFKA_STORAGE_ERROR', `a copy of ${name} in ${left.path} is still to be removed: at the next start of the node, at the latest`)
    if (target.directory.names.includes(name))
      throw new BrokerError('KAFKA_STORAGE_ERROR', `a copy of ${name} lies in ${target.path} still: move it away first`)
    if (isLow || (freeBytes !== undefined && freeBytes < sizeBytes))
      throw new BrokerError('DISK_LOW', `there is too little room on ${target.path}: ${freeBytes ?? 0} bytes for the replica's ${sizeBytes}`)
  }

  #begin(replica: Replica, target: DataFolder, bytesPerSecond: number | null): void {
    const { folders, clock, segmentLimits, isStartIdle, readFailed, kill } = this.#options
    const from = folders.of(replica.log.name)
    const move = new FolderMove(
      {
        replica,
        target,
        folders,
        clock,
        segmentLimits: () => segmentLimits(replica),
        isStartIdle: () => isStartIdle(replica),
        readFailed: (error) => readFailed(replica, error),
        standFailed: (error) => kill(replica, `the data folder that it stands on could not be noted: ${error.message}`),
      },
      bytesPerSecond,
    )
    const running: Running = { move, over: [], leaving: undefined }
    this.#failures.delete(replica.log.name)
    this.#running.set(replica, running)
    replica.logger.info({ from: from.path, to: target.path, bytesPerSecond }, `moves to data folder ${target.path}`)
    runTask(move.run(), (error) => {
      if (error !== undefined && !(error instanceof BrokerError)) throw error
      if (error === undefined) this.#moved(running, from)
      else this.#failed(running, error)
    })
  }

  #moved(running: Running, from: DataFolder): void {
    const { folders, clock, kill } = this.#options
    const { replica, target } = running.move
    replica.logger.info({ from: from.path, to: target.path }, `moved to data folder ${target.path}`)
    if (folders.isFailed(target)) kill(replica, `data folder ${target.path} failed`)
    if (this.#stopped) this.#over(running)
    else if (running.over.length > 0) this.#clean(running, from)
    else
      running.leaving = clock.after(READERS_MS, () => {
        running.leaving = undefined
        this.#clean(running, from)
      })
  }

  #failed(running: Running, error: BrokerError): void {
    const { replica, target, isDecided } = running.move
    this.#failures.set(replica.log.name, error.detail)
    replica.logger.warn({ to: target.path, code: error.code }, `not moved to data folder ${target.path}: ${error.detail}`)
    // Of two copies that may be the one, none is removed; and what a stopping node leaves is removed at its next start.
    if (isDecided || this.#stopped) {
      this.#over(running)
      return
    }
    this.#options.folders.noteMove(replica.log.name, undefined)
    this.#clean(running, target)
  }

  #clean(running: Running, folder: DataFolder): void {
    runTask(this.#remove(running.move.replica.log.name, folder), () => this.#over(running))
  }

  /** What cannot be removed now is removed at the next start. */
  *#remove(name: string, folder: DataFolder): Task<void> {
    try {
      yield* callVoid((done) => folder.directory.remove(name, done))
      this.#options.folders.forgetCopy(name)
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#options.folders.refuseCopy(name)
      this.#options.logger.warn({ log: name, folder: folder.path, error: error.message }, `the copy of ${name} in ${folder.path} could not be removed`)
    }
  }

  #over(running: Running): void {
    this.#running.delete(running.move.replica)
    for (const callback of running.over.splice(0)) callback()
    if (this.#running.size > 0 || this.#idle === undefined) return
    this.#options.clock.defer(this.#idle)
    this.#idle = undefined
  }

  /** It is this node's no more: calls back, maybe at once, when the folder that it stands on is certain and what the move made is gone. */
  abandon(replica: Replica, then: () => void): void {
    this.#failures.delete(replica.log.name)
    const running = this.#running.get(replica)
    if (running === undefined) {
      then()
      return
    }
    running.over.push(then)
    running.move.end(new BrokerError('INVALID_REQUEST', 'the replica was taken off this node'))
    if (running.leaving === undefined) return
    running.leaving.cancel()
    running.leaving = undefined
    const folder = this.#options.folders.copies.get(replica.log.name)
    if (folder === undefined) this.#over(running)
    else this.#clean(running, folder)
  }

  synced(log: Log): void {
    for (const { move } of this.#running.values()) if (move.copy === log) move.woken()
  }

  failed(log: Log, error: Error): void {
    for (const { move } of this.#running.values()) {
      if (move.copy === log) move.end(new BrokerError('KAFKA_STORAGE_ERROR', `the copy could not be written: ${error.message}`))
    }
  }

  folderFailed(folder: DataFolder): void {
    for (const { move } of this.#running.values()) {
      if (move.target === folder) move.end(new BrokerError('KAFKA_STORAGE_ERROR', `data folder ${folder.path} failed`))
      else move.woken()
    }
  }

  killed(replica: Replica): void {
    this.#running.get(replica)?.move.woken()
  }

  /** Before the replicas are taken offline. `done`: no move writes anything any more. */
  stop(done: () => void): void {
    this.#stopped = true
    for (const running of [...this.#running.values()]) {
      if (running.leaving !== undefined) {
        running.leaving.cancel()
        this.#over(running)
      } else running.move.end(new BrokerError('KAFKA_STORAGE_ERROR', 'the node is stopping'))
    }
    if (this.#running.size === 0) this.#options.clock.defer(done)
    else this.#idle = done
  }
}

function leaving({ move }: Running): BrokerError {
  return new BrokerError('INVALID_REQUEST', `the replica has just moved to ${move.target.path}, and its old log is being removed: try again in some seconds`)
}
