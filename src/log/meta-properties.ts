import type { Disk } from '../base/disk.ts'
import type { Done, DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { randomUuid, type Uuid } from '../base/ids.ts'
import type { Random } from '../base/random.ts'
import { call, callVoid, runTask, type Task } from '../base/task.ts'
import { replaceFile } from './replace-file.ts'

const PATH = 'meta.properties'
/** The newest format of a data folder that this program reads and the one it writes. */
export const FORMAT_VERSION = 1
const UUID_PATTERN = /^[0-9a-f]{32}$/

interface Properties {
  readonly clusterId: Uuid | null
  readonly nodeId: number
  readonly directoryId: Uuid
}

/** Whose data folder this is (rules R2.1). Written when the folder is first used; the cluster id is added once, with bootstrap. */
export class MetaProperties {
  readonly #disk: Disk
  #properties: Properties
  #savingClusterId: Uuid | null = null

  /** For `openMetaProperties`. */
  constructor(disk: Disk, properties: Properties) {
    this.#disk = disk
    this.#properties = properties
  }

  get nodeId(): number {
    return this.#properties.nodeId
  }

  get directoryId(): Uuid {
    return this.#properties.directoryId
  }

  /** Null before bootstrap. */
  get clusterId(): Uuid | null {
    return this.#properties.clusterId
  }

  /** Joins the folder to a cluster, synced before done. DATA_FOLDER_MISMATCH when it belongs to another one. */
  saveClusterId(clusterId: Uuid, done: DoneVoid): void {
    runTask(this.#saveClusterId(clusterId), (error) => done(error))
  }

  *#saveClusterId(clusterId: Uuid): Task<void> {
    const known = this.#properties.clusterId ?? this.#savingClusterId
    if (known !== null && known !== clusterId) {
      throw mismatch(`the data folder belongs to cluster ${known}, the others to ${clusterId} (correct the addresses, or give this node a folder of its own)`)
    }
    if (this.#properties.clusterId === clusterId) {
      yield* callVoid((done) => this.#disk.syncFolder('', done))
      return
    }
    this.#savingClusterId = clusterId
    const properties = { ...this.#properties, clusterId }
    yield* replaceFile(this.#disk, PATH, encode(properties))
    this.#properties = properties
  }
}

function mismatch(detail: string): BrokerError {
  return new BrokerError('DATA_FOLDER_MISMATCH', detail)
}

function encode({ clusterId, nodeId, directoryId }: Properties): Buffer {
  const lines = [`version=${FORMAT_VERSION}`, `node.id=${nodeId}`, `directory.id=${directoryId}`]
  if (clusterId !== null) lines.push(`cluster.id=${clusterId}`)
  return Buffer.from(`${lines.join('\n')}\n`)
}

function decode(bytes: Buffer): Properties {
  const values = new Map<string, string>()
  for (const line of bytes.toString().split('\n')) {
    const at = line.indexOf('=')
    if (at > 0 && !line.startsWith('#')) values.set(line.slice(0, at).trim(), line.slice(at + 1).trim())
  }
  const version = Number(values.get('version'))
  if (Number.isSafeInteger(version) && version > FORMAT_VERSION) {
    throw mismatch(`the data folder has format ${version}, this program reads up to ${FORMAT_VERSION} (start the newer program, or use another folder)`)
  }
  const nodeId = Number(values.get('node.id') ?? Number.NaN)
  const directoryId = values.get('directory.id') ?? ''
  const clusterId = values.get('cluster.id') ?? null
  if (version !== FORMAT_VERSION || !Number.isSafeInteger(nodeId) || !UUID_PATTERN.test(directoryId) || (clusterId !== null && !UUID_PATTERN.test(clusterId))) {
    throw mismatch(`${PATH} cannot be read (restore it, or move the folder away: the node then comes back as a new one)`)
  }
  return { clusterId, nodeId, directoryId }
}

/** Reads whose folder this is, or makes it this node's. DATA_FOLDER_MISMATCH, with what to do, when it is not (rules R2.3). The folder must be locked. */
export function openMetaProperties(options: { readonly disk: Disk; readonly nodeId: number; readonly random: Random }, done: Done<MetaProperties>): void {
  runTask(open(options), done)
}

/** The same judgement and nothing else: reads, writes nothing. A folder that is refused must stay as it is, its count of unclean starts included (rules R3.4). */
export function checkMetaProperties(options: { readonly disk: Disk; readonly nodeId: number }, done: DoneVoid): void {
  runTask(read(options), (error) => done(error))
}

/** Undefined: an unused folder. */
function* read({ disk, nodeId }: { readonly disk: Disk; readonly nodeId: number }): Task<Properties | undefined> {
  const bytes = yield* call<Buffer | undefined>((done) => disk.readFile(PATH, done))
  if (bytes !== undefined) {
    const properties = decode(bytes)
    if (properties.nodeId !== nodeId) {
      throw mismatch(
        `the data folder belongs to node ${properties.nodeId}, this is node ${nodeId} (start node ${properties.nodeId} on it, or give node ${nodeId} another folder)`,
      )
    }
    return properties
  }
  const names = yield* call<readonly string[]>((done) => disk.list('', done))
  const found = names.find((name) => name === 'metadata' || name === 'partitions' || name === 'quorum-state')
  if (found !== undefined)
    throw mismatch(`${PATH} is missing though there is ${found} (restore it, or move the folder away: the node then comes back as a new one)`)
  return undefined
}

function* open(options: { readonly disk: Disk; readonly nodeId: number; readonly random: Random }): Task<MetaProperties> {
  const { disk, nodeId } = options
  const known = yield* read(options)
  if (known !== undefined) return new MetaProperties(disk, known)
  const properties = { clusterId: null, nodeId, directoryId: randomUuid(options.random) }
  yield* replaceFile(disk, PATH, encode(properties))
  return new MetaProperties(disk, properties)
}
