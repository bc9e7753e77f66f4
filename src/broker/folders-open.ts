import { isDiskError } from '../base/disk.ts'
import { BrokerError } from '../base/errors.ts'
import { call, callVoid, type Task } from '../base/task.ts'
import { DAMAGED_NOTE, formatDamagedNote } from '../log/damaged-note.ts'
import { openLogDirectory } from '../log/log-directory.ts'
import { checkMetaProperties, type MetaProperties, openMetaProperties } from '../log/meta-properties.ts'
import { type LogDirectory, type LogDirectoryEvents, METADATA_LOG } from '../log/surface.ts'
import { type DataFolder, DataFolders, type OfflineFolder } from './data-folders.ts'
import { DiskWatch } from './disk-watch.ts'
import { limitsOf } from './limits.ts'
import { parseLogName, parsePartitionNote, PARTITION_NOTE } from './log-name.ts'
import { openPlacements, type Placements, savePlacements } from './placements.ts'
import type { DataDisk, NodeOptions, NodeSeams } from './surface.ts'

/** What a node hears of its folders. */
export interface FolderEvents extends LogDirectoryEvents {
  /** A call failed that belongs to no log of that folder. Not said of the first one. */
  folderFailed(folder: DataFolder, error: Error): void
}

export interface FirstFolder {
  readonly path: string
  readonly directory: LogDirectory
  readonly properties: MetaProperties
}

export interface OpenedFolders {
  readonly folders: DataFolders
  /** Those that were online at the start, the first one first. */
  readonly members: readonly FolderMember[]
}

/** A data folder with what the node itself keeps of it. */
export interface FolderMember {
  readonly folder: DataFolder
  readonly properties: MetaProperties
  readonly watch: DiskWatch
}

/** All data folders of a node; the first is the one of `seams.disk`. */
export function disksOf(seams: NodeSeams): readonly [DataDisk, ...DataDisk[]] {
  const [first, ...others] = seams.dataDisks ?? []
  return first === undefined ? [{ path: '', disk: seams.disk }] : [first, ...others]
}

/**
 * Opens the further data folders beside the first one, and finds what stands where. A folder whose disk fails is offline, and the node starts without
 * it; one that is another node's, another cluster's, in use, or the wrong one to stand here is refused: DATA_FOLDER_MISMATCH, DATA_FOLDER_IN_USE.
 */
export function* openFolders(options: NodeOptions, seams: NodeSeams, events: FolderEvents, first: FirstFolder): Task<OpenedFolders> {
  const { logger, clock } = seams
  const [, ...others] = disksOf(seams)
  const placements = yield* openPlacements({ disk: seams.disk, clock, create: others.length > 0 })
  const watch = new DiskWatch({ disk: seams.disk, logger, keepsReserve: true })
  const { path, directory, properties } = first
  const opened: FolderMember[] = [{ folder: { path, directoryId: properties.directoryId, disk: seams.disk, directory, space: watch }, properties, watch }]
  const offline: OfflineFolder[] = []
  for (const disk of others) {
    const one = yield* openFurther(options, seams, events, disk)
    if ('reason' in one) offline.push({ ...one, directoryId: placements?.folderAt(disk.path) })
    else {
      checkCompany(one, opened)
      opened.push(one)
    }
  }
  if (placements !== undefined) yield* prepare(placements, opened, seams)
  const folders = new DataFolders({ logger, folders: opened.map(({ folder }) => folder), offline, placements })
  return { folders, members: opened }
}

function* openFurther(options: NodeOptions, seams: NodeSeams, events: FolderEvents, { path, disk }: DataDisk): Task<FolderMember | OfflineFolder> {
  const { logger, clock } = seams
  const { nodeId, config } = options
  const { segmentBytes, indexIntervalBytes } = config
  try {
    yield* callVoid((done) => disk.mkdir('', done))
    yield* callVoid((done) => checkMetaProperties({ disk, nodeId }, done))
    const names = yield* call<readonly string[]>((done) => disk.list('', done))
    if (names.includes(METADATA_LOG) || names.includes('quorum-state'))
      throw new BrokerError('DATA_FOLDER_MISMATCH', 'it holds the metadata log of a node (name it first in dataDirs)')
    let folder: DataFolder | undefined
    const onFolderFailed = (error: Error): void => {
      if (folder !== undefined) events.folderFailed(folder, error)
    }
    const tailCacheBytes = tailCacheShare(options, seams)
    const { roundBytes } = limitsOf(options)
    const directory = yield* call<LogDirectory>((done) =>
      openLogDirectory({ disk, clock, logger, segmentBytes, indexIntervalBytes, tailCacheBytes, roundBytes, events, onFolderFailed }, done),
    )
    const random = seams.random.fork(`directory id ${path}`)
    const properties = yield* call<MetaProperties>((done) => openMetaProperties({ disk, nodeId, random }, done))
    const watch = new DiskWatch({ disk, logger, keepsReserve: false })
    folder = { path, directoryId: properties.directoryId, disk, directory, space: watch }
    return { folder, properties, watch }
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error
    if (!isDiskError(error)) throw new BrokerError(error.code, `data folder ${path}: ${error.detail}`)
    const advice = 'its partitions are offline until the next start (see to the disk, then restart the node)'
    logger.error({ folder: path, error: error.message }, `data folder ${path} cannot be used: ${advice}`)
    return { path, directoryId: undefined, reason: error.message }
  }
}

/** Of the memory for the newest bytes, each folder has the same part. */
export function tailCacheShare(options: NodeOptions, seams: NodeSeams): number {
  return Math.floor(options.config.tailCacheBytes / disksOf(seams).length)
}

function checkCompany({ folder, properties }: FolderMember, others: readonly FolderMember[]): void {
  for (const other of others) {
    if (folder.directoryId === other.folder.directoryId) {
      const both = `${other.folder.path} and ${folder.path}`
      throw new BrokerError(
        'DATA_FOLDER_MISMATCH',
        `${both} have the same directory id: one is a copy of the other (keep one, and name an empty folder instead)`,
      )
    }
    const ids = [properties.clusterId, other.properties.clusterId]
    if (ids[0] !== null && ids[1] !== null && ids[0] !== ids[1]) {
      const detail = `data folder ${folder.path} belongs to cluster ${ids[0]}, ${other.folder.path} to ${ids[1]} (name folders of one cluster only)`
      throw new BrokerError('DATA_FOLDER_MISMATCH', detail)
    }
  }
}

/**
 * Notes which folders there are, and takes in what lies in one of them without being noted: it was there when the first folder was replaced, or
 * comes from elsewhere. Whether it ever was the last of its partition cannot be known, so it is marked damaged: not counted until an ISR takes it in.
 */
function* prepare(placements: Placements, opened: readonly FolderMember[], seams: NodeSeams): Task<void> {
  const [first, ...others] = opened.map(({ folder }) => folder) as [DataFolder, ...DataFolder[]]
  let isChanged = false
  const known = new Set(first.directory.names)
  for (const { path, directoryId } of [first, ...others]) {
    const before = placements.folderAt(path)
    if (before === directoryId) continue
    isChanged = true
    placements.setFolder(path, directoryId)
    const fields = { folder: path, directoryId, before }
    if (before !== undefined)
      seams.logger.warn(fields, `data folder ${path} is another one than before: what stood on that one is fetched from the other replicas`)
  }
  for (const folder of others) {
    for (const name of folder.directory.names) {
      if (known.has(name) || parseLogName(name) === undefined || placements.get(name) !== undefined) continue
      known.add(name)
      isChanged = (yield* adopt(folder, name, placements, seams)) || isChanged
    }
  }
  if (isChanged) yield* savePlacements(placements)
}

/** False: it has no identity, and is left to who opens it. */
function* adopt(folder: DataFolder, name: string, placements: Placements, { logger }: NodeSeams): Task<boolean> {
  const { directory, directoryId, path } = folder
  const topicId = parsePartitionNote(yield* call<string | undefined>((done) => directory.readNote(name, PARTITION_NOTE, done)))?.topicId
  if (topicId === undefined) return false
  const reason = `found in ${path}, of which the first data folder has no note`
  // A mark that is there says more.
  const marked = yield* call<string | undefined>((done) => directory.readNote(name, DAMAGED_NOTE, done))
  const note = formatDamagedNote({ claimedEndOffset: 0, firstBadOffset: 0, reason })
  if (marked === undefined) yield* callVoid((done) => directory.writeNote(name, DAMAGED_NOTE, note, done))
  placements.set(name, { topicId, directoryId })
  logger.warn({ log: name, folder: path }, `${name} was ${reason}: it counts again once its leader has found it whole`)
  return true
}
