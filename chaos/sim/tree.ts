import type { Random } from '../../src/base/random.ts'
import { type Foretold, type Losses, SimInode } from './inode.ts'

/** A folder: names as processes see them, and names that outlive a power loss. */
class SimFolder {
  entries = new Map<string, SimNode>()
  durable = new Map<string, SimNode>()
}

type SimNode = SimInode | SimFolder

type NameChange =
  | { readonly type: 'link'; readonly sequence: number; readonly folder: SimFolder; readonly name: string; readonly node: SimNode }
  | { readonly type: 'unlink'; readonly sequence: number; readonly folder: SimFolder; readonly name: string }
  | {
      readonly type: 'rename'
      readonly sequence: number
      readonly folder: SimFolder
      readonly name: string
      readonly node: SimNode
      readonly to: SimFolder
      readonly toName: string
    }

function split(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '')
}

/**
 * The names of one simulated file system. A change of names is durable when a folder that it touches was synced after it; a rename is one change,
 * atomic, also between two folders (as in a journalled file system). Until then each change may be lost on its own.
 */
export class SimTree {
  #root = new SimFolder()
  #unsynced: NameChange[] = []
  #sequence = 0

  /** Names the changes made so far, for `syncFolder`. */
  get sequence(): number {
    return this.#sequence
  }

  file(path: string): SimInode | undefined {
    const node = this.#find(split(path))
    return node instanceof SimInode ? node : undefined
  }

  isFolder(path: string): boolean {
    return this.#find(split(path)) instanceof SimFolder
  }

  /** Undefined when there is no folder to make it in. */
  create(path: string): SimInode | undefined {
    const parts = split(path)
    const folder = this.#find(parts.slice(0, -1))
    if (!(folder instanceof SimFolder)) return undefined
    const node = new SimInode()
    this.#link(folder, parts.at(-1) as string, node)
    return node
  }

  mkdir(path: string): void {
    let folder = this.#root
    for (const part of split(path)) {
      let next = folder.entries.get(part)
      if (!(next instanceof SimFolder)) {
        next = new SimFolder()
        this.#link(folder, part, next)
      }
      folder = next as SimFolder
    }
  }

  /** False: there is nothing at `from`, or no folder for `to`. */
  rename(from: string, to: string): boolean {
    const parts = split(from)
    const toParts = split(to)
    const folder = this.#find(parts.slice(0, -1))
    const toFolder = this.#find(toParts.slice(0, -1))
    const name = parts.at(-1) as string
    if (!(folder instanceof SimFolder) || !(toFolder instanceof SimFolder)) return false
    const node = folder.entries.get(name)
    if (node === undefined) return false
    const toName = toParts.at(-1) as string
    folder.entries.delete(name)
    toFolder.entries.set(toName, node)
    this.#unsynced.push({ type: 'rename', sequence: this.#sequence++, folder, name, node, to: toFolder, toName })
    return true
  }

  remove(path: string): void {
    const parts = split(path)
    const folder = this.#find(parts.slice(0, -1))
    const name = parts.at(-1) as string
    if (!(folder instanceof SimFolder) || !folder.entries.delete(name)) return
    this.#unsynced.push({ type: 'unlink', sequence: this.#sequence++, folder, name })
  }

  list(path: string): readonly string[] {
    const folder = this.#find(split(path))
    return folder instanceof SimFolder ? [...folder.entries.keys()].sort() : []
  }

  /** Makes the changes before `sequence` that touch the folder durable. False: there is no such folder. */
  syncFolder(path: string, sequence: number): boolean {
    const folder = this.#find(split(path))
    if (!(folder instanceof SimFolder)) return false
    for (const change of [...this.#unsynced]) {
      if (change.sequence >= sequence || !this.#unsynced.includes(change)) continue
      if (change.folder === folder || (change.type === 'rename' && change.to === folder)) this.#settle(change)
    }
    return true
  }

  losePower(random: Random, losses: Losses, foretold: Foretold | null = null): void {
    for (const change of [...this.#unsynced]) {
      if (!this.#unsynced.includes(change)) continue
      if (random.integer(2) === 0) this.#settle(change)
      else losses.lostNames++
    }
    this.#unsynced = []
    this.#forgetCache(this.#root, (inode) => inode.losePower(random, losses, foretold))
  }

  /** The disk loses a file or a folder, unasked. False: there was none. */
  lose(path: string): boolean {
    const parts = split(path)
    const name = parts.at(-1) as string
    const folder = this.#find(parts.slice(0, -1))
    if (!(folder instanceof SimFolder)) return false
    this.#unsynced = this.#unsynced.filter((change) => !(change.folder === folder && change.name === name))
    folder.durable.delete(name)
    return folder.entries.delete(name)
  }

  wipe(): void {
    this.#root = new SimFolder()
    this.#unsynced = []
  }

  /** Files whose names would outlive a power loss. */
  durableFiles(): readonly (readonly [path: string, file: SimInode])[] {
    const found: [string, SimInode][] = []
    const walk = (folder: SimFolder, prefix: string): void => {
      for (const [name, node] of [...folder.durable].sort(([a], [b]) => (a < b ? -1 : 1))) {
        if (node instanceof SimInode) found.push([prefix + name, node])
        else walk(node, `${prefix}${name}/`)
      }
    }
    walk(this.#root, '')
    return found
  }

  /** A file whose name would outlive a power loss. */
  durableFile(path: string): SimInode | undefined {
    const node = this.#findDurable(path)
    return node instanceof SimInode ? node : undefined
  }

  /** Names in a folder that would outlive a power loss. */
  durableNames(path: string): readonly string[] {
    const node = this.#findDurable(path)
    return node instanceof SimFolder ? [...node.durable.keys()] : []
  }

  #findDurable(path: string): SimNode | undefined {
    let node: SimNode | undefined = this.#root
    for (const name of split(path)) node = node instanceof SimFolder ? node.durable.get(name) : undefined
    return node
  }

  /** Bytes of all files, as processes see them. */
  usedBytes(): number {
    const sum = (folder: SimFolder): number => {
      let bytes = 0
      for (const node of folder.entries.values()) bytes += node instanceof SimInode ? node.sizeBytes : sum(node)
      return bytes
    }
    return sum(this.#root)
  }

  #find(parts: readonly string[]): SimNode | undefined {
    let node: SimNode | undefined = this.#root
    for (const part of parts) node = node instanceof SimFolder ? node.entries.get(part) : undefined
    return node
  }

  #link(folder: SimFolder, name: string, node: SimNode): void {
    folder.entries.set(name, node)
    this.#unsynced.push({ type: 'link', sequence: this.#sequence++, folder, name, node })
  }

  #settle(change: NameChange): void {
    this.#unsynced = this.#unsynced.filter((other) => other !== change)
    switch (change.type) {
      case 'link':
        change.folder.durable.set(change.name, change.node)
        return
      case 'unlink':
        change.folder.durable.delete(change.name)
        return
      default:
        // That the node was ever at the old name no longer matters.
        this.#unsynced = this.#unsynced.filter((other) => !(other.type === 'link' && other.node === change.node && other.sequence < change.sequence))
        if (change.folder.durable.get(change.name) === change.node) change.folder.durable.delete(change.name)
        change.to.durable.set(change.toName, change.node)
    }
  }

  #forgetCache(folder: SimFolder, losePower: (inode: SimInode) => void): void {
    folder.entries = new Map(folder.durable)
    for (const node of folder.entries.values()) {
      if (node instanceof SimInode) losePower(node)
      else this.#forgetCache(node, losePower)
    }
  }
}
