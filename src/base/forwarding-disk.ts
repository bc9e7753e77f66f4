import type { Disk, DiskFile, DiskSpace } from './disk.ts'
import type { Done, DoneVoid } from './done.ts'

/** A disk that is another one, but for what a subclass changes. */
export class ForwardingDisk implements Disk {
  protected readonly disk: Disk

  constructor(disk: Disk) {
    this.disk = disk
  }

  open(path: string, options: { readonly create: boolean }, done: Done<DiskFile | undefined>): void {
    this.disk.open(path, options, done)
  }

  readFile(path: string, done: Done<Buffer | undefined>): void {
    this.disk.readFile(path, done)
  }

  rename(from: string, to: string, done: DoneVoid): void {
    this.disk.rename(from, to, done)
  }

  remove(path: string, done: DoneVoid): void {
    this.disk.remove(path, done)
  }

  list(path: string, done: Done<readonly string[]>): void {
    this.disk.list(path, done)
  }

  mkdir(path: string, done: DoneVoid): void {
    this.disk.mkdir(path, done)
  }

  syncFolder(path: string, done: DoneVoid): void {
    this.disk.syncFolder(path, done)
  }

  lock(path: string, done: DoneVoid): void {
    this.disk.lock(path, done)
  }

  space(done: Done<DiskSpace>): void {
    this.disk.space(done)
  }
}
