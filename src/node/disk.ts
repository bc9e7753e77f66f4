import * as fs from 'node:fs'
import { join } from 'node:path'
import { assert } from '../base/assert.ts'
import { type Disk, diskError, type DiskFile, type DiskSpace } from '../base/disk.ts'
import type { Done, DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'

/** Most buffers that one writev call takes (IOV_MAX of Linux). */
const MAX_BUFFERS = 1024

type FsError = NodeJS.ErrnoException | null

function failed(callName: string, path: string, error: NodeJS.ErrnoException): BrokerError {
  return diskError(callName, path, { errno: error.code ?? 'unknown', text: error.message })
}

/** Turns a node callback into DoneVoid. */
function wrap(callName: string, path: string, done: DoneVoid): (error: FsError) => void {
  return (error) => done(error ? failed(callName, path, error) : undefined)
}

class NodeFile implements DiskFile {
  readonly path: string
  readonly #absolutePath: string
  readonly #descriptor: number
  /** A second descriptor whose writes are synced by the system; opened with the first of them. */
  #syncedDescriptor: number | undefined
  /** fdatasync may leave a file's size out where it only shrank; fsync does not. */
  #truncated = false

  constructor(path: string, absolutePath: string, descriptor: number) {
    this.path = path
    this.#absolutePath = absolutePath
    this.#descriptor = descriptor
  }

  read(position: number, length: number, done: Done<Buffer>): void {
    const bytes = Buffer.allocUnsafeSlow(length)
    const readOn = (filled: number): void => {
      fs.read(this.#descriptor, bytes, filled, length - filled, position + filled, (error, count) => {
        if (error) done(failed('read', this.path, error), bytes)
        else if (count === 0 || filled + count === length) done(undefined, bytes.subarray(0, filled + count))
        else readOn(filled + count)
      })
    }
    readOn(0)
  }

  writev(buffers: readonly Buffer[], position: number, done: DoneVoid): void {
    this.#write(this.#descriptor, buffers, position, done)
  }

  writevSynced(buffers: readonly Buffer[], position: number, done: DoneVoid): void {
    if (this.#syncedDescriptor !== undefined) {
      this.#write(this.#syncedDescriptor, buffers, position, done)
      return
    }
    // Not on every system.
    if (fs.constants.O_DSYNC === undefined) {
      this.writev(buffers, position, (error) => (error === undefined ? this.sync(done) : done(error)))
      return
    }
    fs.open(this.#absolutePath, fs.constants.O_WRONLY | fs.constants.O_DSYNC, (error, descriptor) => {
      if (error) {
        done(failed('open', this.path, error))
        return
      }
      this.#syncedDescriptor = descriptor
      this.#write(descriptor, buffers, position, done)
    })
  }

  #write(descriptor: number, buffers: readonly Buffer[], position: number, done: DoneVoid): void {
    const batch = buffers.length > MAX_BUFFERS ? buffers.slice(0, MAX_BUFFERS) : buffers
    fs.writev(descriptor, batch, position, (error, count) => {
      if (error) {
        done(failed('writev', this.path, error))
        return
      }
      const rest = dropBytes(buffers, count)
      if (rest.length === 0) done(undefined)
      else if (count === 0) done(new BrokerError('DISK_FAILED', `writev ${this.path}: nothing was written`))
      else this.#write(descriptor, rest, position + count, done)
    })
  }

  sync(done: DoneVoid): void {
    if (!this.#truncated) {
      fs.fdatasync(this.#descriptor, wrap('fdatasync', this.path, done))
      return
    }
    this.#truncated = false
    fs.fsync(this.#descriptor, wrap('fsync', this.path, done))
  }

  truncate(sizeBytes: number, done: DoneVoid): void {
    this.#truncated = true
    fs.ftruncate(this.#descriptor, sizeBytes, wrap('ftruncate', this.path, done))
  }

  size(done: Done<number>): void {
    fs.fstat(this.#descriptor, (error, stats) => done(error ? failed('fstat', this.path, error) : undefined, stats?.size ?? 0))
  }

  close(done: DoneVoid): void {
    const synced = this.#syncedDescriptor
    if (synced === undefined) fs.close(this.#descriptor, wrap('close', this.path, done))
    else fs.close(synced, () => fs.close(this.#descriptor, wrap('close', this.path, done)))
  }
}

/** What is left of `buffers` after `count` bytes; empty buffers are dropped too. */
function dropBytes(buffers: readonly Buffer[], count: number): readonly Buffer[] {
  let left = count
  for (const [at, buffer] of buffers.entries()) {
    if (left < buffer.length) return left === 0 ? buffers.slice(at) : [buffer.subarray(left), ...buffers.slice(at + 1)]
    left -= buffer.length
  }
  return []
}

/** Disk over one folder of the real file system. */
export class NodeDisk implements Disk {
  readonly #root: string

  /** `root` is made by `mkdir('')` when it is missing. */
  constructor(root: string) {
    this.#root = root
  }

  #at(path: string): string {
    assert(!path.split('/').includes('..'), 'a path stays below the root')
    return join(this.#root, path)
  }

  open(path: string, options: { readonly create: boolean }, done: Done<DiskFile | undefined>): void {
    const flags = fs.constants.O_RDWR | (options.create ? fs.constants.O_CREAT : 0)
    fs.open(this.#at(path), flags, 0o644, (error, descriptor) => {
      if (!error) done(undefined, new NodeFile(path, this.#at(path), descriptor))
      else if (error.code === 'ENOENT' && !options.create) done(undefined, undefined)
      else done(failed('open', path, error), undefined)
    })
  }

  readFile(path: string, done: Done<Buffer | undefined>): void {
    fs.readFile(this.#at(path), (error, bytes) => {
      if (!error) done(undefined, bytes)
      else done(error.code === 'ENOENT' ? undefined : failed('read', path, error), undefined)
    })
  }

  rename(from: string, to: string, done: DoneVoid): void {
    fs.rename(this.#at(from), this.#at(to), wrap('rename', from, done))
  }

  remove(path: string, done: DoneVoid): void {
    fs.rm(this.#at(path), { recursive: true, force: true }, wrap('remove', path, done))
  }

  list(path: string, done: Done<readonly string[]>): void {
    fs.readdir(this.#at(path), (error, names) => {
      if (!error) done(undefined, names.sort())
      else done(error.code === 'ENOENT' ? undefined : failed('readdir', path, error), [])
    })
  }

  mkdir(path: string, done: DoneVoid): void {
    fs.mkdir(this.#at(path), { recursive: true }, (error) => wrap('mkdir', path, done)(error))
  }

  syncFolder(path: string, done: DoneVoid): void {
    fs.open(this.#at(path), fs.constants.O_RDONLY, (openError, descriptor) => {
      if (openError) {
        done(failed('open folder', path, openError))
        return
      }
      fs.fsync(descriptor, (syncError) => {
        fs.close(descriptor, (closeError) => {
          const error = syncError ?? closeError
          done(error ? failed('sync folder', path, error) : undefined)
        })
      })
    })
  }

  /**
   * The lock is a file that says who holds it (pid and, where the system tells, when that process started: a pid comes again). It is made whole
   * beside and linked into place, so that it is never seen half. One whose process is gone is moved away. `remove` gives the lock back.
   */
  lock(path: string, done: DoneVoid): void {
    const own = `${process.pid} ${processStart(process.pid) ?? '-'}\n`
    const temporary = this.#at(`${path}.${process.pid}.${Math.trunc(performance.now() * 1000)}`)
    fs.writeFile(temporary, own, { flag: 'wx' }, (error) => {
      if (error) done(failed('lock', path, error))
      else this.#link(path, temporary, (lockError) => fs.rm(temporary, { force: true }, () => done(lockError)))
    })
  }

  #link(path: string, temporary: string, done: DoneVoid): void {
    fs.link(temporary, this.#at(path), (error) => {
      if (!error) done(undefined)
      else if (error.code === 'EEXIST') this.#takeOver(path, temporary, done)
      else done(failed('lock', path, error))
    })
  }

  /** Moves a dead process's lock away and tries again; whoever was faster wins. */
  #takeOver(path: string, temporary: string, done: DoneVoid): void {
    fs.readFile(this.#at(path), 'utf8', (readError, content) => {
      if (readError && readError.code !== 'ENOENT') {
        done(failed('lock', path, readError))
        return
      }
      if (readError) {
        this.#link(path, temporary, done)
        return
      }
      const [pid, start] = content.trim().split(' ')
      if (isAlive(Number(pid), start ?? '-')) {
        done(new BrokerError('DATA_FOLDER_IN_USE', `process ${pid} uses ${this.#root} (stop it, or give this node a folder of its own)`))
        return
      }
      const aside = `${temporary}.stale`
      fs.rename(this.#at(path), aside, (error) => {
        if (error && error.code !== 'ENOENT') done(failed('lock', path, error))
        else fs.readFile(aside, 'utf8', (_, moved) => this.#afterMove({ path, temporary, aside, mine: moved === undefined || moved === content }, done))
      })
    })
  }

  #afterMove(move: { readonly path: string; readonly temporary: string; readonly aside: string; readonly mine: boolean }, done: DoneVoid): void {
    const goOn = (): void => fs.rm(move.aside, { force: true }, () => this.#link(move.path, move.temporary, done))
    if (move.mine) goOn()
    // Another process had taken over between the look and the move: it gets its lock back.
    else fs.link(move.aside, this.#at(move.path), goOn)
  }

  space(done: Done<DiskSpace>): void {
    fs.statfs(this.#root, (error, stats) => {
      if (error) done(failed('statfs', this.#root, error), { freeBytes: 0, totalBytes: 0 })
      else done(undefined, { freeBytes: stats.bavail * stats.bsize, totalBytes: stats.blocks * stats.bsize })
    })
  }
}

/** Start of a process in clock ticks since boot (field 22 of /proc/PID/stat); undefined where there is no such file. */
function processStart(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name of the program, in parentheses, may hold anything: fields are counted behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function isAlive(pid: number, start: string): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it lives, but is somebody else's.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const now = processStart(pid)
  return start === '-' || now === undefined || now === start
}
