import type { Clock } from '../../src/base/clock.ts'
import { type Disk, diskError, type DiskFile, type DiskSpace } from '../../src/base/disk.ts'
import type { Done, DoneVoid } from '../../src/base/done.ts'
import { BrokerError } from '../../src/base/errors.ts'
import { between, type Random } from '../../src/base/random.ts'
import type { Foretold, Losses, SimInode } from './inode.ts'
import { SimTree } from './tree.ts'

export type DiskCall = 'read' | 'write' | 'sync'

export interface SimDiskOptions {
  readonly clock: Pick<Clock, 'after'>
  readonly random: Random
  readonly minLatencyMs: number
  readonly maxLatencyMs: number
  /** Of so many syncs one takes far longer; null, and unless given: none does. */
  readonly lateSyncOneIn?: number | null
  /** Of an empty disk. */
  readonly freeBytes?: number
  readonly totalBytes?: number
}

/** A call under way. */
interface Outstanding {
  /** What the call may have done to the page cache, or the disk, when its process dies under it. */
  readonly leave: (() => void) | undefined
}

/** What outlives the processes that use it. */
interface Device {
  readonly options: SimDiskOptions
  readonly latency: Random
  readonly fate: Random
  readonly tree: SimTree
  readonly locks: Set<string>
  faults: { readonly call: DiskCall; readonly pathPrefix: string }[]
  slowFactor: number
  /** Calls that are due and wait for the disk to go on; null: it goes on. */
  stalled: (() => void)[] | null
  full: boolean
  /** All that fits on it; undefined: more than anybody writes. */
  capacityBytes: number | undefined
  /** Every call fails. */
  broken: boolean
  readonly losses: Losses
  failedCalls: number
  /** Calls that found no room. */
  fullCalls: number
  /** Calls that were done while it was slow, or that waited for it to go on. */
  lateCalls: number
  /** The view of the process that lives, if any. */
  current: SimDisk | undefined
}

/** How many times as long a late sync takes. */
const LATE_FACTOR = 30
const GIB = 1024 * 1024 * 1024
/** A new name grows its folder. */
const NAME_BYTES = 1

function failed(call: string, path: string, errno: string): BrokerError {
  return diskError(call, path, { errno, text: 'simulated' })
}

function newDevice(options: SimDiskOptions): Device {
  return {
    options,
    latency: options.random.fork('latency'),
    fate: options.random.fork('fate'),
    tree: new SimTree(),
    locks: new Set(),
    faults: [],
    slowFactor: 1,
    stalled: null,
    full: false,
    capacityBytes: options.freeBytes,
    broken: false,
    losses: { keptWrites: 0, tornWrites: 0, lostWrites: 0, lostTruncates: 0, lostNames: 0 },
    failedCalls: 0,
    fullCalls: 0,
    lateCalls: 0,
    current: undefined,
  }
}

class SimFile implements DiskFile {
  readonly path: string
  readonly #disk: SimDisk
  readonly #inode: SimInode
  #open = true

  constructor(disk: SimDisk, path: string, inode: SimInode) {
    this.path = path
    this.#disk = disk
    this.#inode = inode
  }

  #call<T>(call: DiskCall | undefined, name: string, perform: () => T, done: Done<T>, leave?: () => void): void {
    const checked = (): T => {
      if (!this.#open) throw failed(name, this.path, 'EBADF')
      return perform()
    }
    this.#disk.call({ call, name, path: this.path, perform: checked, leave }, done)
  }

  read(position: number, length: number, done: Done<Buffer>): void {
    this.#call('read', 'read', () => this.#inode.read(position, length), done)
  }

  writev(buffers: readonly Buffer[], position: number, done: DoneVoid): void {
    // Taken when the call completes: bytes that change under it are written changed, as on a real disk.
    const perform = (): void => {
      const data = Buffer.concat(buffers)
      this.#disk.requireSpace(this.path, Math.max(0, position + data.length - this.#inode.sizeBytes))
      this.#inode.write(position, data)
    }
    this.#call('write', 'writev', perform, done, () => {
      const data = Buffer.concat(buffers)
      this.#inode.write(position, data.subarray(0, this.#disk.drawFate(data.length + 1)))
    })
  }

  writevSynced(buffers: readonly Buffer[], position: number, done: DoneVoid): void {
    this.writev(buffers, position, (error) => (error === undefined ? this.sync(done) : done(error)))
  }

  sync(done: DoneVoid): void {
    const { sequence } = this.#inode
    const perform = (): void => this.#inode.syncTo(sequence)
    const afterFailure = (): void => {
      if (this.#disk.drawFate(2) === 0) this.#inode.revert()
    }
    this.#disk.call({ call: 'sync', name: 'fdatasync', path: this.path, perform, leave: perform, afterFailure }, done)
  }

  truncate(sizeBytes: number, done: DoneVoid): void {
    const perform = (): void => this.#inode.truncate(sizeBytes)
    this.#call('write', 'ftruncate', perform, done, perform)
  }

  size(done: Done<number>): void {
    this.#call(undefined, 'fstat', () => this.#inode.sizeBytes, done)
  }

  close(done: DoneVoid): void {
    this.#call(
      undefined,
      'close',
      () => {
        this.#open = false
      },
      done,
    )
  }
}

/**
 * One process's view of a simulated disk. Bytes and names that were not synced live in a page cache: a `kill` keeps it, a `powerLoss` does not.
 * Every call completes in a later turn, after a latency drawn for it. All of it follows from the seed.
 */
export class SimDisk implements Disk {
  readonly #device: Device
  readonly #outstanding = new Set<Outstanding>()
  #alive = true

  constructor(options: SimDiskOptions, device: Device = newDevice(options)) {
    this.#device = device
    device.current = this
  }

  /** For the files of this disk. Performs when it completes; a process that died meanwhile never hears of it. */
  call<T>(
    options: {
      readonly call: DiskCall | undefined
      readonly name: string
      readonly path: string
      readonly perform: () => T
      /** See Outstanding. */
      readonly leave?: (() => void) | undefined
      readonly afterFailure?: () => void
    },
    done: Done<T>,
  ): void {
    if (!this.#alive) return
    const { clock, minLatencyMs, maxLatencyMs, lateSyncOneIn = null } = this.#device.options
    const outstanding: Outstanding = { leave: options.leave }
    const isFailing = this.#device.faults.length > 0 && this.#takeFault(options)
    this.#outstanding.add(outstanding)
    const latencyMs = between(this.#device.latency, 0, 1_000_000) / 1_000_000
    const complete = (): void => {
      const { stalled, slowFactor } = this.#device
      if (stalled !== null || slowFactor > 1) this.#device.lateCalls++
      if (stalled !== null) {
        stalled.push(complete)
        return
      }
      if (!this.#outstanding.delete(outstanding)) return
      if (isFailing || this.#device.broken) {
        this.#device.failedCalls++
        options.afterFailure?.()
        done(failed(options.name, options.path, 'EIO'), undefined as T)
        return
      }
      let value: T
      try {
        value = options.perform()
      } catch (error) {
        if (!(error instanceof BrokerError)) throw error
        done(error, undefined as T)
        return
      }
      done(undefined, value)
    }
    const isLate = lateSyncOneIn !== null && options.call === 'sync' && this.#device.latency.integer(lateSyncOneIn) === 0
    clock.after((minLatencyMs + latencyMs * (maxLatencyMs - minLatencyMs)) * this.#device.slowFactor * (isLate ? LATE_FACTOR : 1), complete)
  }

  /** Whether a fault waits for this call: it is over then. */
  #takeFault({ call, path }: { readonly call: DiskCall | undefined; readonly path: string }): boolean {
    const at = this.#device.faults.findIndex((fault) => fault.call === call && path.startsWith(fault.pathPrefix))
    if (at !== -1) this.#device.faults.splice(at, 1)
    return at !== -1
  }

  /** Throws ENOSPC when something grows, and the disk was made full, or has a size of its own and not so many bytes left. */
  requireSpace(path: string, addedBytes: number): void {
    const { full, capacityBytes, tree } = this.#device
    const isOver = capacityBytes !== undefined && tree.usedBytes() + addedBytes > capacityBytes
    if (addedBytes === 0 || !(full || isOver)) return
    this.#device.fullCalls++
    throw failed('write', path, 'ENOSPC')
  }

  drawFate(exclusiveMax: number): number {
    return this.#device.fate.integer(exclusiveMax)
  }

  open(path: string, options: { readonly create: boolean }, done: Done<DiskFile | undefined>): void {
    const { tree } = this.#device
    const perform = (): DiskFile | undefined => {
      let inode = tree.file(path)
      if (inode === undefined && options.create) {
        this.requireSpace(path, NAME_BYTES)
        inode = tree.create(path)
        if (inode === undefined) throw failed('open', path, 'ENOENT')
      }
      return inode && new SimFile(this, path, inode)
    }
    const leave = (): void => {
      if (options.create && tree.file(path) === undefined) tree.create(path)
    }
    this.call({ call: undefined, name: 'open', path, perform, leave }, done)
  }

  readFile(path: string, done: Done<Buffer | undefined>): void {
    const perform = (): Buffer | undefined => {
      const inode = this.#device.tree.file(path)
      return inode?.read(0, inode.sizeBytes)
    }
    this.call({ call: 'read', name: 'read', path, perform }, done)
  }

  rename(from: string, to: string, done: DoneVoid): void {
    const { tree } = this.#device
    const perform = (): void => {
      if (!tree.rename(from, to)) throw failed('rename', from, 'ENOENT')
    }
    this.call({ call: undefined, name: 'rename', path: from, perform, leave: () => tree.rename(from, to) }, done)
  }

  remove(path: string, done: DoneVoid): void {
    const perform = (): void => {
      this.#device.tree.remove(path)
      this.#device.locks.delete(path)
    }
    this.call({ call: undefined, name: 'remove', path, perform, leave: perform }, done)
  }

  list(path: string, done: Done<readonly string[]>): void {
    this.call({ call: undefined, name: 'readdir', path, perform: () => this.#device.tree.list(path) }, done)
  }

  mkdir(path: string, done: DoneVoid): void {
    const perform = (): void => this.#device.tree.mkdir(path)
    this.call({ call: undefined, name: 'mkdir', path, perform, leave: perform }, done)
  }

  syncFolder(path: string, done: DoneVoid): void {
    const { tree } = this.#device
    const { sequence } = tree
    const perform = (): void => {
      if (!tree.syncFolder(path, sequence)) throw failed('sync folder', path, 'ENOENT')
    }
    this.call({ call: 'sync', name: 'sync folder', path, perform, leave: () => tree.syncFolder(path, sequence) }, done)
  }

  lock(path: string, done: DoneVoid): void {
    const perform = (): void => {
      if (this.#device.locks.has(path)) throw new BrokerError('DATA_FOLDER_IN_USE', `another process holds ${path}`)
      this.#device.locks.add(path)
    }
    this.call({ call: undefined, name: 'lock', path, perform }, done)
  }

  space(done: Done<DiskSpace>): void {
    const { totalBytes = 200 * GIB } = this.#device.options
    const perform = (): DiskSpace => {
      const { full, capacityBytes = 100 * GIB, tree } = this.#device
      return { freeBytes: full ? 0 : Math.max(0, capacityBytes - tree.usedBytes()), totalBytes }
    }
    this.call({ call: undefined, name: 'statfs', path: '', perform }, done)
  }

  // What follows is for whoever breaks it. Faults act on the device, whichever process's view they are asked of.

  /** The process that uses the device dies: its calls never complete; those under way may have been done, done in part, or not. The page cache stays. */
  kill(): void {
    const { current } = this.#device
    if (current !== undefined) current.#die()
    this.#device.current = undefined
    this.#device.locks.clear()
  }

  #die(): void {
    this.#alive = false
    for (const { leave } of this.#outstanding) if (leave !== undefined && this.drawFate(2) === 0) leave()
    this.#outstanding.clear()
  }

  /**
   * The machine loses power: besides, each unsynced write survives whole, torn or not at all, in any order, and so do unsynced truncations and names.
   * Where it is foretold what becomes of them, the calls under way had done nothing yet.
   */
  powerLoss(foretold: Foretold | null = null): void {
    const { current } = this.#device
    if (foretold !== null && current !== undefined) current.#outstanding.clear()
    this.kill()
    this.#device.tree.losePower(this.#device.fate, this.#device.losses, foretold)
  }

  /** The next process's view; the process before it is dead from now on. */
  reopen(): SimDisk {
    this.kill()
    return new SimDisk(this.#device.options, this.#device)
  }

  /** The next call of that kind on a path that begins with `pathPrefix` fails with EIO. After a failed sync the unsynced bytes may be gone from the page cache. */
  failNext(call: DiskCall, pathPrefix: string): void {
    this.#device.faults.push({ call, pathPrefix })
  }

  /** Calls that were to fail, and have not come yet, will not. */
  forgetFailures(): void {
    this.#device.faults = []
  }

  /** It is as large as it was, with what it holds. */
  makeRoom(): void {
    this.#device.full = false
    this.#device.capacityBytes = this.#device.options.freeBytes
  }

  /** Forgets the faults that nothing ran into. */
  clearFaults(): void {
    this.forgetFailures()
    this.makeRoom()
    this.#device.slowFactor = 1
    this.stall(false)
  }

  /** False: there is no such byte. */
  flipByte(path: string, position: number): boolean {
    return this.#device.tree.file(path)?.flip(position, 1 + this.drawFate(255)) ?? false
  }

  /** The disk forgets the end of a file. False: the file is not longer than that. */
  truncateFile(path: string, sizeBytes: number): boolean {
    return this.#device.tree.file(path)?.loseEnd(sizeBytes) ?? false
  }

  /** The disk loses a file or a folder. False: there is none. */
  removeTree(path: string): boolean {
    return this.#device.tree.lose(path)
  }

  wipe(): void {
    this.#device.tree.wipe()
  }

  slow(factor: number): void {
    this.#device.slowFactor = factor
  }

  /** Nothing is done from now on, until it goes on: then what waits, in its order. */
  stall(isStalled: boolean): void {
    const { stalled, options } = this.#device
    if (isStalled === (stalled !== null)) return
    this.#device.stalled = isStalled ? [] : null
    for (const complete of stalled ?? []) options.clock.after(0, complete)
  }

  full(isFull: boolean): void {
    this.#device.full = isFull
  }

  /** Something else fills the disk: no more than this fits on it from now on. */
  leave(freeBytes: number): void {
    this.#device.capacityBytes = this.#device.tree.usedBytes() + freeBytes
  }

  /** Each call fails with EIO from now on, whichever process makes it, until it is mended. */
  break(isBroken: boolean): void {
    this.#device.broken = isBroken
  }

  get alive(): boolean {
    return this.#alive
  }

  /** What all power losses so far did. */
  get losses(): Readonly<Losses> {
    return this.#device.losses
  }

  /** Injected failures that a call ran into. */
  get failedCalls(): number {
    return this.#device.failedCalls
  }

  get fullCalls(): number {
    return this.#device.fullCalls
  }

  get lateCalls(): number {
    return this.#device.lateCalls
  }

  /** Files that a power loss now would leave, by path, with the bytes that are certain. */
  files(): readonly (readonly [path: string, durableSizeBytes: number])[] {
    return this.#device.tree.durableFiles().map(([path, inode]) => [path, inode.durableSizeBytes] as const)
  }

  /** Names in a folder that a power loss now would leave. */
  durableNames(folder: string): readonly string[] {
    return this.#device.tree.durableNames(folder)
  }

  /** Content if all that is not synced were lost; undefined when the name would be. */
  durableContent(path: string): Buffer | undefined {
    return this.#device.tree.durableFile(path)?.durableContent()
  }

  /** Size as processes see it; undefined when there is no such file. */
  sizeOf(path: string): number | undefined {
    return this.#device.tree.file(path)?.sizeBytes
  }
}
