import { assert } from '../base/assert.ts'
import type { Disk } from '../base/disk.ts'
import type { Done, DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { Logger } from '../base/log-line.ts'
import { call, runTask, type Task } from '../base/task.ts'
import type { PartitionRef } from '../controller/commands.ts'
import type { LogCounters, LogDirectory } from '../log/surface.ts'
import { parseLogName } from './log-name.ts'
import { savePlacements, type Placements } from './placements.ts'

/** How much of a folder's disk is free, as it was seen last. */
export interface FolderSpace {
  readonly isLow: boolean
  /** Undefined: not looked yet. */
  readonly freeBytes: number | undefined
  readonly totalBytes: number | undefined
}

/** One data folder of a node. */
export interface DataFolder {
  /** As an operator knows it. */
  readonly path: string
  readonly directoryId: Uuid
  readonly disk: Disk
  readonly directory: LogDirectory
  readonly space: FolderSpace
}

/** A folder that could not be opened. `directoryId`: of the folder that lay there last; undefined: none did. */
export interface OfflineFolder {
  readonly path: string
  readonly directoryId: Uuid | undefined
  readonly reason: string
}

export interface DataFoldersOptions {
  readonly logger: Logger
  /** Those that could be opened; the first is that of the metadata log. */
  readonly folders: readonly DataFolder[]
  readonly offline: readonly OfflineFolder[]
  /** Undefined: there is one folder, and there never was another. */
  readonly placements: Placements | undefined
}

/**
 * The data folders of a node, and which of them each partition stands on. A folder is online, or offline from its first failure until the next
 * start: with it go its partitions, not the node (rules R3.5). The first is never offline: it holds the metadata log, and the node dies with that.
 * Where copies of one partition lie in several folders, the one that the placements name is the partition; the others are kept and not used.
 */
export class DataFolders {
  readonly #logger: Logger
  readonly #folders: readonly DataFolder[]
  readonly #placements: Placements | undefined
  readonly #offline: OfflineFolder[]
  readonly #failed = new Set<DataFolder>()
  /** By log name. */
  readonly #standing = new Map<string, DataFolder>()
  /** Folders in which the name is taken by a copy that is not used. */
  readonly #refused = new Map<string, DataFolder[]>()
  /** Copies that nobody needs, by log name: what moves between folders leave. */
  readonly #copies = new Map<string, DataFolder>()

  constructor(options: DataFoldersOptions) {
    assert(options.folders.length > 0, 'a node has a first folder')
    this.#logger = options.logger
    this.#folders = options.folders
    this.#offline = [...options.offline]
    this.#placements = options.placements
    this.#findLogs()
  }

  get #first(): DataFolder {
    return this.#folders[0] as DataFolder
  }

  get all(): readonly DataFolder[] {
    return this.#folders
  }

  get offline(): readonly OfflineFolder[] {
    return this.#offline
  }

  /** Of every folder that is configured: what cannot be read now is not gone (rules R5.3). */
  get directoryIds(): readonly Uuid[] {
    const ids = this.#folders.map(({ directoryId }) => directoryId)
    for (const { directoryId } of this.#offline) if (directoryId !== undefined && !ids.includes(directoryId)) ids.push(directoryId)
    return ids
  }

  /** Names of the partition logs found, each once. */
  get names(): readonly string[] {
    return [...this.#standing.keys()].sort()
  }

  /** What the data path cost, all folders together. */
  get counters(): LogCounters {
    const [first, ...others] = this.#folders.map(({ directory }) => directory.counters) as [LogCounters, ...LogCounters[]]
    if (others.length === 0) return first
    return others.reduce(
      (sum, one) => ({
        appendedBytes: sum.appendedBytes + one.appendedBytes,
        copiedBytes: sum.copiedBytes + one.copiedBytes,
        writeCalls: sum.writeCalls + one.writeCalls,
        syncCalls: sum.syncCalls + one.syncCalls,
        rounds: sum.rounds + one.rounds,
      }),
      first,
    )
  }

  get isAnyLow(): boolean {
    return this.#folders.some((folder) => folder.space.isLow && !this.#failed.has(folder))
  }

  /** The folder of a log that was found, or placed. */
  of(name: string): DataFolder {
    const folder = this.#standing.get(name)
    assert(folder !== undefined, 'a log that is used stands in a folder')
    return folder
  }

  knows(name: string): boolean {
    return this.#standing.has(name)
  }

  /** As an operator knows it; LOG_DIR_NOT_FOUND. */
  at(path: string): DataFolder {
    const folder = this.#folders.find((one) => one.path === path)
    if (folder !== undefined) return folder
    const known = this.#folders.map((one) => one.path).join(', ')
    throw new BrokerError('LOG_DIR_NOT_FOUND', `this node has no data folder ${path} that works; those are ${known}`)
  }

  isLow(name: string): boolean {
    return this.of(name).space.isLow
  }

  isFailed(folder: DataFolder): boolean {
    return this.#failed.has(folder)
  }

  /** Whether the partition stands on a folder that cannot be used now. */
  isOffline(name: string, topicId: Uuid): boolean {
    const placement = this.#placements?.get(name)
    return placement !== undefined && placement.topicId === topicId && !this.#standing.has(name) && this.#isOfflineId(placement.directoryId)
  }

  /** Partitions on folders that cannot be used now; null: this node never had more than one folder, and does not keep count. */
  offlineRefs(): PartitionRef[] | null {
    if (this.#placements === undefined) return null
    return this.offlineLogs().flatMap(({ name, topicId }) => {
      const partition = parseLogName(name)?.partition
      return partition === undefined ? [] : [{ topicId, partition }]
    })
  }

  /** Logs that were not opened, on folders that cannot be used now. */
  offlineLogs(): { readonly name: string; readonly topicId: Uuid; readonly path: string }[] {
    const logs: { readonly name: string; readonly topicId: Uuid; readonly path: string }[] = []
    if (this.#offline.length === 0 || this.#placements === undefined) return logs
    for (const [name, { topicId, directoryId }] of this.#placements.entries()) {
      const path = this.#offline.find((folder) => folder.directoryId === directoryId)?.path
      if (path !== undefined && !this.#standing.has(name)) logs.push({ name, topicId, path })
    }
    return logs
  }

  /** The topic was deleted: should its logs come back with their folder, nobody misses them. */
  forgetOffline(topicId: Uuid): void {
    if (this.#offline.length === 0 || this.#placements === undefined) return
    for (const [name, placement] of [...this.#placements.entries()])
      if (placement.topicId === topicId && this.isOffline(name, topicId)) this.#placements.forget(name)
  }

  #isOfflineId(directoryId: Uuid): boolean {
    return this.#offline.some((folder) => folder.directoryId === directoryId)
  }

  /** Chooses the folder of a partition that is made now, and notes it, synced, before anything of it is written. */
  *place(name: string, topicId: Uuid): Task<DataFolder> {
    const folder = this.#choose(name, topicId)
    this.#standing.set(name, folder)
    if (this.#placements !== undefined) {
      this.#placements.set(name, { topicId, directoryId: folder.directoryId })
      yield* savePlacements(this.#placements)
    }
    return folder
  }

  /** The folder that it was placed in, if its log was lost there; else the one with the most free space a partition, of those that are not low. */
  #choose(name: string, topicId: Uuid): DataFolder {
    const isFree = (folder: DataFolder): boolean => !this.#failed.has(folder) && !(this.#refused.get(name) ?? []).includes(folder)
    const free = this.#folders.filter(isFree)
    const before = this.#placements?.get(name)
    const same = free.find((folder) => before?.topicId === topicId && folder.directoryId === before.directoryId)
    if (same !== undefined) return same
    const roomy = free.filter((folder) => !folder.space.isLow)
    const counts = new Map<DataFolder, number>()
    for (const folder of this.#standing.values()) counts.set(folder, (counts.get(folder) ?? 0) + 1)
    // Until every disk has been looked at they count as equal.
    const isKnown = this.#folders.every((folder) => folder.space.freeBytes !== undefined)
    const share = (folder: DataFolder): number => (isKnown ? (folder.space.freeBytes as number) : 1) / ((counts.get(folder) ?? 0) + 1)
    let best: DataFolder | undefined
    for (const folder of roomy.length > 0 ? roomy : free) if (best === undefined || share(folder) > share(best)) best = folder
    if (best !== undefined) return best
    throw new BrokerError('KAFKA_STORAGE_ERROR', `every folder that is left holds an unused copy of ${name} (move those copies away, then restart the node)`)
  }

  /** Copies that nobody needs, whoever left them; each is to be removed. */
  get copies(): ReadonlyMap<string, DataFolder> {
    return this.#copies
  }

  /** Notes, synced before anything of it is written, that what of the log comes to lie in that folder is a copy that nobody needs, of a move to there. */
  *noteCopy(name: string, topicId: Uuid, folder: DataFolder, bytesPerSecond: number | null): Task<void> {
    const standsOn = this.of(name)
    assert(this.#placements !== undefined && folder !== standsOn && !this.#copies.has(name), 'a log has one copy at a time, elsewhere')
    this.#copies.set(name, folder)
    const { directoryId } = folder
    this.#placements.set(name, { topicId, directoryId: standsOn.directoryId, copyIn: directoryId, moveTo: { directoryId, bytesPerSecond } })
    yield* savePlacements(this.#placements)
  }

  /**
   * The copy holds all that the log holds, and takes its place: synced when done. Should that fail, either may be found to be the one at the next start.
   */
  *standOnCopy(name: string): Task<void> {
    const [from, to, placement] = [this.of(name), this.#copies.get(name), this.#placements?.get(name)]
    assert(this.#placements !== undefined && to !== undefined && placement !== undefined, 'a log comes to stand where its copy was noted')
    this.#placements.set(name, { topicId: placement.topicId, directoryId: to.directoryId, copyIn: from.directoryId })
    yield* savePlacements(this.#placements)
    this.#standing.set(name, to)
    this.#copies.set(name, from)
  }

  /** It could not be removed: the name is taken there, until the next start tries again. */
  refuseCopy(name: string): void {
    const folder = this.#copies.get(name)
    const refused = this.#refused.get(name) ?? []
    if (folder !== undefined && !refused.includes(folder)) this.#refused.set(name, [...refused, folder])
  }

  /** It was removed. On the disk with the next save: until then the next start looks for it, and finds none. */
  forgetCopy(name: string): void {
    const folder = this.#copies.get(name)
    this.#copies.delete(name)
    this.#refused.set(
      name,
      (this.#refused.get(name) ?? []).filter((one) => one !== folder),
    )
    const placement = this.#placements?.get(name)
    if (placement === undefined) return
    const { copyIn: _, ...rest } = placement
    this.#placements?.set(name, rest)
  }

  /** Moves that an earlier process did not end, to folders that are here. */
  *unfinishedMoves(): IterableIterator<{ readonly name: string; readonly target: DataFolder; readonly bytesPerSecond: number | null }> {
    for (const [name, { moveTo }] of this.#placements?.entries() ?? []) {
      const target = this.#folders.find(({ directoryId }) => directoryId === moveTo?.directoryId)
      if (moveTo !== undefined && target !== undefined && this.knows(name)) yield { name, target, bytesPerSecond: moveTo.bytesPerSecond }
    }
  }

  /** Under another limit from now on, or, undefined, not at all: on the disk soon. A move that goes on after all costs a copy. */
  noteMove(name: string, bytesPerSecond: number | null | undefined): void {
    const placement = this.#placements?.get(name)
    if (this.#placements === undefined || placement?.moveTo === undefined) return
    const { moveTo, ...rest } = placement
    this.#placements.set(name, bytesPerSecond === undefined ? rest : { ...rest, moveTo: { ...moveTo, bytesPerSecond } })
    this.#placements.save((error) => {
      if (error !== undefined) this.#logger.warn({ log: name, error: error.message }, 'what became of a move between folders could not be noted')
    })
  }

  /** The log was set aside: its name is free. */
  forget(name: string): void {
    this.#standing.delete(name)
    this.#placements?.forget(name)
  }

  /** The log was deleted on a folder that failed: it stays there, and the name is free elsewhere. */
  abandon(name: string): void {
    this.#refused.set(name, [...(this.#refused.get(name) ?? []), this.of(name)])
    this.forget(name)
  }

  /**
   * A write, a sync or a call for the whole folder failed there. True: the folder is offline now, with all that stands on it. False: it was before, or it
   * is the first, of which only the log that failed is dead (rules R3.5).
   */
  fail(folder: DataFolder, error: Error): boolean {
    if (folder === this.#first || this.#failed.has(folder)) return false
    this.#failed.add(folder)
    const { path, directoryId } = folder
    this.#offline.push({ path, directoryId, reason: error.message })
    const fields = { folder: path, error: error.message }
    this.#logger.error(fields, `data folder ${path} failed: its partitions are offline until the next start (see to the disk, then restart the node)`)
    return true
  }

  namesOn(folder: DataFolder): readonly string[] {
    return [...this.#standing].filter(([, standsOn]) => standsOn === folder).map(([name]) => name)
  }

  /** Removes what lies in quarantine for long enough. */
  purge(options: { readonly nowMs: number; readonly olderThanMs: number }, done: DoneVoid): void {
    const online = this.#folders.filter((folder) => !this.#failed.has(folder))
    let left = online.length
    let failure: Error | undefined
    for (const { directory } of online) {
      directory.purgeQuarantine(options, (error) => {
        failure ??= error
        if (--left === 0) done(failure)
      })
    }
  }

  /** Closes all, and answers where each log ends for sure. A further folder that cannot be closed keeps nobody: its next start is an unclean one. */
  close(done: Done<ReadonlyMap<string, number>>): void {
    runTask(this.#close(), done)
  }

  *#close(): Task<ReadonlyMap<string, number>> {
    const ends = new Map<string, number>()
    for (const folder of [...this.#folders].reverse()) {
      try {
        const closed = yield* call<ReadonlyMap<string, number>>((done) => folder.directory.close(done))
        for (const [name, end] of closed) if (this.#copies.get(name) !== folder) ends.set(name, end)
      } catch (error) {
        if (folder === this.#first || !(error instanceof BrokerError)) throw error
        this.#logger.warn({ folder: folder.path, error: error.message }, `data folder ${folder.path} could not be closed cleanly`)
      }
    }
    return ends
  }

  #findLogs(): void {
    const holders = new Map<string, DataFolder[]>()
    for (const folder of this.#folders) {
      for (const name of folder.directory.names) if (parseLogName(name) !== undefined) holders.set(name, [...(holders.get(name) ?? []), folder])
    }
    for (const [name, folders] of holders) {
      const placement = this.#placements?.get(name)
      const chosen = placement === undefined ? folders[0] : folders.find(({ directoryId }) => directoryId === placement.directoryId)
      if (chosen !== undefined) this.#standing.set(name, chosen)
      const copy = folders.find((folder) => folder !== chosen && folder.directoryId === placement?.copyIn)
      const refused = folders.filter((folder) => folder !== chosen && folder !== copy)
      if (refused.length > 0) this.#refuse(name, refused, chosen, placement?.directoryId)
      if (copy === undefined) continue
      this.#copies.set(name, copy)
      this.#refused.set(name, [...refused, copy])
    }
  }

  #refuse(name: string, refused: DataFolder[], chosen: DataFolder | undefined, placedIn: Uuid | undefined): void {
    this.#refused.set(name, refused)
    const where = chosen === undefined ? `the folder with the id ${placedIn}, which is not here` : chosen.path
    for (const { path } of refused) {
      const advice = 'the copy is kept and not used; move it away once nothing of it is missed'
      this.#logger.error({ log: name, folder: path }, `${name} lies in ${path} too, but this node last had it in ${where}: ${advice}`)
    }
  }
}
