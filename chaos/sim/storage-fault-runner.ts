import { between, type Random } from '../../src/base/random.ts'
import { type Atlas, mayWipe } from '../atlas.ts'
import { describeFault, type Fault, type StorageFaultKind } from '../faults.ts'
import type { DiskCall, SimDisk } from './disk.ts'
import { damage, harmable, loseSynced } from './harm.ts'
import type { SimNode } from './sim-node.ts'
import type { Trace } from './trace.ts'

/** A planned fault of a disk whose turn it is. */
export interface StorageFault {
  readonly fault: Fault
  readonly kind: StorageFaultKind
  /** The node that the plan means, if there is one now. */
  readonly target: () => SimNode | undefined
  readonly random: Random
  readonly observed: () => void
}

export interface StorageFaultRunnerOptions {
  readonly nodes: readonly SimNode[]
  readonly atlas: Atlas
  readonly trace: Trace
  /** Runs it later, unless the faults are over by then. */
  readonly later: (delayUs: number, action: () => void) => void
  readonly tell: (fault: Fault, where: string) => void
  /** Nothing is left on the disks of that node: it comes back as another one. */
  readonly wiped: (node: SimNode) => void
}

const AGAIN_US = 50_000
const AGAIN_MS = AGAIN_US / 1000
const PATIENCE_TRIES = 50
const NEARLY_FULL_BYTES = 64 * 1024
/** Less than this is low (rules R3.5). */
const LOW_BYTES = 1024 * 1024 * 1024
const calls: readonly DiskCall[] = ['read', 'write', 'write', 'sync', 'sync']

/** Does to disks what the plan says, as soon as there is something to do it to, and notes by observation that it took. */
export class StorageFaultRunner {
  readonly #options: StorageFaultRunnerOptions

  constructor(options: StorageFaultRunnerOptions) {
    this.#options = options
  }

  begin(storage: StorageFault): void {
    switch (storage.kind) {
      case 'syncedLost':
        this.#onVictim(storage, (node) => this.#loseSynced(storage, [node]))
        break
      case 'syncedLostAll':
        if (this.#options.nodes.every(isUp) && this.#victims(storage).length > 0) this.#loseSynced(storage, this.#options.nodes)
        else this.#again(storage)
        break
      case 'damage':
        this.#onVictim(storage, (node) => this.#damage(storage, node))
        break
      case 'wipe':
        this.#onVictim(storage, (node) => this.#wipe(storage, node))
        break
      default: {
        const node = storage.target()
        if (node !== undefined && isUp(node)) this.#trouble(storage, node)
        else this.#again(storage)
      }
    }
  }

  /** Disks do what they should from now on. */
  heal(): void {
    for (const { disks } of this.#options.nodes) for (const disk of disks) disk.clearFaults()
  }

  #again(storage: StorageFault): void {
    this.#options.later(AGAIN_US, () => this.begin(storage))
  }

  /** In an order of its own for each fault. */
  #victims({ kind, random }: StorageFault): readonly SimNode[] {
    const { nodes, atlas } = this.#options
    const first = random.fork('victim').integer(nodes.length)
    const inTurn = nodes.map((_, at) => nodes[(first + at) % nodes.length] as SimNode)
    return inTurn.filter((node) => isUp(node) && (kind === 'wipe' ? mayWipe(atlas, node.nodeId) : harmable(node, atlas).length > 0))
  }

  #onVictim(storage: StorageFault, strike: (node: SimNode) => void): void {
    const [victim] = this.#victims(storage)
    if (victim === undefined) this.#again(storage)
    else strike(victim)
  }

  #loseSynced(storage: StorageFault, nodes: readonly SimNode[]): void {
    const { fault, random, observed } = storage
    const { tell, atlas } = this.#options
    tell(fault, nodes.map(({ name }) => name).join(', '))
    const before = nodes.map((node) => [node, node.incarnation] as const)
    for (const node of nodes) node.crash('powerLoss')
    let losses = 0
    for (const node of nodes) losses += this.#told(node, loseSynced(node, atlas, random))
    // A node that lost power with all the others may be elected: the more its disk may say that is not so.
    if (nodes.length > 1) for (const node of nodes) if (random.integer(2) === 0) this.#told(node, damage(node, atlas, random))
    for (const node of nodes) node.keepDownFor(fault.durationMs * 1000 + random.integer(nodes.length === 1 ? 1 : 3_000_000))
    if (losses > 0) this.#whenBack(before, observed)
    else this.#again(storage)
  }

  #told(node: SimNode, sentences: readonly string[]): number {
    for (const sentence of sentences) this.#options.trace.tell('world', `${node.name}: ${sentence}`)
    return sentences.length
  }

  #damage(storage: StorageFault, node: SimNode): void {
    const { fault, random, observed } = storage
    this.#options.tell(fault, node.name)
    const before = node.incarnation
    const harm = (): void => {
      if (this.#told(node, damage(node, this.#options.atlas, random)) > 0) this.#whenBack([[node, before]], observed)
      else this.#again(storage)
      node.keepDownFor(fault.durationMs * 1000)
    }
    const how = random.integer(4)
    if (how < 2) node.stop(harm)
    else {
      node.crash(how === 2 ? 'kill' : 'powerLoss')
      harm()
    }
  }

  #wipe({ fault, observed }: StorageFault, node: SimNode): void {
    this.#options.tell(fault, node.name)
    const before = node.incarnation
    node.crash('powerLoss')
    node.wipe()
    node.keepDownFor(fault.durationMs * 1000)
    this.#options.wiped(node)
    this.#whenBack([[node, before]], observed)
  }

  #whenBack(before: readonly (readonly [SimNode, number])[], then: () => void): void {
    if (before.every(([node, incarnation]) => node.incarnation !== incarnation && node.state !== 'down')) then()
    else this.#options.later(AGAIN_US, () => this.#whenBack(before, then))
  }

  /** The node goes on, as well as it can. */
  #trouble(storage: StorageFault, node: SimNode): void {
    const { fault, kind, random } = storage
    const disk = node.disks[random.integer(node.disks.length)] as SimDisk
    this.#options.tell(fault, node.name)
    if (kind === 'ioErrors') this.#keepUp(storage, failCalls(node, disk, random))
    else if (kind === 'diskFull') this.#keepUp(storage, fill(node, disk, random))
    else this.#keepUp(storage, delay(disk, kind === 'diskSlow' ? between(random, 10, 100) : null))
  }

  /** Trouble that nothing has met yet is kept up for longer. */
  #keepUp(storage: StorageFault, trouble: Trouble): void {
    const { fault, observed } = storage
    trouble.begin()
    this.#options.later(fault.durationMs * 1000, () => {
      if (!trouble.isSeen()) {
        this.#options.later(AGAIN_US, () => this.#keepUp({ ...storage, fault: { ...fault, durationMs: AGAIN_MS } }, trouble))
        return
      }
      trouble.end()
      observed()
      this.#options.trace.tell('world', `over: ${describeFault(fault)}`)
    })
  }
}

/** What is done to a disk; to begin it again does no harm. */
interface Trouble {
  readonly begin: () => void
  readonly isSeen: () => boolean
  readonly end: () => void
}

/** Failed reads are met at the next start, at the latest there: on a disk that nobody writes to those alone are. */
function failCalls(node: SimNode, disk: SimDisk, random: Random): Trouble {
  const { failedCalls } = disk
  const call = calls[random.integer(calls.length)] as DiskCall
  const pathPrefix = random.integer(2) === 0 ? '' : 'partitions/'
  const count = between(random, 1, 4)
  let tries = 0
  const isSeen = (): boolean => disk.failedCalls > failedCalls
  const begin = (): void => {
    if (isSeen()) return
    tries += 1
    disk.forgetFailures()
    const isIdle = tries > PATIENCE_TRIES
    for (let left = count; left > 0; left--) disk.failNext(isIdle ? 'read' : call, isIdle ? '' : pathPrefix)
    if (!(isIdle || call === 'read') || !isUp(node)) return
    node.crash('kill')
    node.keepDownFor(AGAIN_US)
  }
  return { begin, isSeen, end: () => disk.forgetFailures() }
}

/** At once, or so that little is left. */
function fill(node: SimNode, disk: SimDisk, random: Random): Trouble {
  const { fullCalls } = disk
  const how = random.integer(3)
  const freeBytes = random.integer(how === 1 ? NEARLY_FULL_BYTES : LOW_BYTES)
  return {
    begin: () => (how === 0 ? disk.full(true) : disk.leave(freeBytes)),
    isSeen: () => disk.fullCalls > fullCalls || node.running?.view().isDiskLow === true,
    end: () => disk.makeRoom(),
  }
}

/** By that factor; null: it stands still. */
function delay(disk: SimDisk, factor: number | null): Trouble {
  const { lateCalls } = disk
  return {
    begin: () => (factor === null ? disk.stall(true) : disk.slow(factor)),
    isSeen: () => disk.lateCalls > lateCalls,
    end: () => (factor === null ? disk.stall(false) : disk.slow(1)),
  }
}

function isUp(node: SimNode): boolean {
  return node.state === 'up' && !node.paused
}

/** For whoever switches on kinds. */
const storageKinds: ReadonlySet<string> = new Set<StorageFaultKind>([
  'syncedLost',
  'syncedLostAll',
  'damage',
  'wipe',
  'ioErrors',
  'diskFull',
  'diskSlow',
  'diskStall',
])

export function isStorageFault(kind: string): kind is StorageFaultKind {
  return storageKinds.has(kind)
}
