import { assert } from '../../src/base/assert.ts'
import { isDiskError } from '../../src/base/disk.ts'
import type { Random } from '../../src/base/random.ts'
import type { OxbowNode } from '../../src/broker/oxbow-node.ts'
import { startNode } from '../../src/broker/node.ts'
import type { DataDisk, NodeOptions } from '../../src/broker/surface.ts'
import { METADATA_LOG } from '../../src/log/surface.ts'
import { DurableFolders, pathOf } from '../check/durable-folders.ts'
import type { ObservedNode } from '../check/observed.ts'
import { MemoryCheckpoints } from './checkpoints.ts'
import { serveClient } from './client-listener.ts'
import { SimClock } from './clock.ts'
import { SimDisk } from './disk.ts'
import { type EventQueue, Owner } from './event-queue.ts'
import type { Foretold } from './inode.ts'
import type { AnyPeerMessage, HeldMessages } from './held-messages.ts'
import type { Host, Network } from './network.ts'
import type { PeerCodec } from './peer-codec.ts'
import { SimTransport } from './peer-transport.ts'
import { StoryLogger } from './story-logger.ts'
import type { Trace } from './trace.ts'
import { UnansweredProduce } from './unanswered-produce.ts'

export interface SimNodeSettings {
  readonly options: NodeOptions
  readonly queue: EventQueue
  readonly network: Network
  readonly host: Host
  readonly random: Random
  readonly trace: Trace
  readonly codec: PeerCodec
  /** Default: none is. */
  readonly held?: HeldMessages
  readonly diskLatencyMs: { readonly min: number; readonly max: number }
  readonly lateSyncOneIn?: number | null
  /** Data folders, each on a disk of its own. */
  readonly folders: number
  /** Its seconds in a second of simulated time; default: 1. */
  readonly clockRate?: number
}

export interface SimNodeEvents {
  /** A process begins: events of this owner are this node's from now on. */
  began(owner: Owner): void
  /** `raftRole`: its last one; none while it started. */
  ended(owner: Owner, raftRole: string): void
  /** What a node cannot survive, or a start that failed, though no disk of it failed a call: a bug. */
  failed(node: SimNode, error: Error): void
  /** A message for operators. */
  logs(message: string): void
  /** Before it leaves. */
  sends(to: number, message: AnyPeerMessage): void
}

type State = 'down' | 'starting' | 'up' | 'stopping'

/** A process that a disk ended is started again, as by systemd. */
const AGAIN_AFTER_US = 1_000_000

/**
 * One machine and the process on it. down → starting → up → stopping → down; a crash leads from anywhere to down.
 * The machine (disk, checkpoints, host) outlives its processes; each process is an owner of its own.
 */
export class SimNode implements ObservedNode {
  readonly nodeId: number
  readonly name: string
  readonly host: Host
  durable: DurableFolders
  readonly #settings: SimNodeSettings
  readonly #events: SimNodeEvents
  readonly #machine: Owner
  /** The views of the process that runs, or ran last. */
  #disks: SimDisk[]
  #checkpoints: MemoryCheckpoints
  #clock: SimClock
  #wallOffsetMs = 0
  #process: Owner | undefined
  #node: OxbowNode | undefined
  #unansweredProduce = new UnansweredProduce()
  #state: State = 'down'
  #incarnation = 0
  #downUntilUs = 0
  /** Calls that disks had failed when the process began. */
  #failedBefore = 0
  /** Waits for the end of a clean stop. */
  #whenStopped: (() => void) | undefined
  /** Logs of which a disk lost or changed what it had synced. */
  readonly #harmed = new Set<string>()
  /** What its disks lost since the last process: until the next one it counts as held, for what that one said of it was true and may be on its way. */
  readonly #losses: (() => void)[] = []
  #decisionsOnceHeld = 0
  #wasReplaced = false
  #folderWasAway = false
  #remembersTooMuch = false

  constructor(settings: SimNodeSettings, events: SimNodeEvents) {
    this.#settings = settings
    this.#events = events
    const { options, queue, host, random, diskLatencyMs, lateSyncOneIn = null, folders } = settings
    this.nodeId = options.nodeId
    this.name = `node ${options.nodeId}`
    this.host = host
    this.#machine = new Owner(`${this.name} machine`)
    const clock = new SimClock(queue, this.#machine)
    this.#clock = clock
    this.durable = new DurableFolders(folders)
    this.#disks = Array.from({ length: folders }, (_, at) => {
      const label = at === 0 ? 'disk' : `disk ${at}`
      return new SimDisk({ clock, random: random.fork(label), minLatencyMs: diskLatencyMs.min, maxLatencyMs: diskLatencyMs.max, lateSyncOneIn })
    })
    this.#checkpoints = new MemoryCheckpoints({ clock, random: random.fork('checkpoints') })
  }

  get state(): State {
    return this.#state
  }

  get paused(): boolean {
    return this.#process?.paused === true
  }

  /** Unique among all processes of the run. */
  get incarnation(): number {
    return this.#incarnation * 1000 + this.nodeId
  }

  get process(): Owner | undefined {
    return this.#process
  }

  get machine(): Owner {
    return this.#machine
  }

  /** The disk that a log lies on. */
  diskOf(logName: string): SimDisk {
    return this.#disks[this.durable.folderOf(logName)] as SimDisk
  }

  get folders(): number {
    return this.#disks.length
  }

  /** Those of its data folders, for whoever breaks them. */
  get disks(): readonly SimDisk[] {
    return this.#disks
  }

  noteHarmed(logName: string): void {
    this.#harmed.add(logName)
    if (logName === METADATA_LOG) this.#decisionsOnceHeld = this.decisionsHeld
  }

  /**
   * Exclusive: decisions that its disks surely hold, or held until they lost them, as a minority of them may. A leader may hear of what it said before that long
   * after it.
   */
  get decisionsHeld(): number {
    return Math.max(this.#decisionsOnceHeld, this.durable.endOffset(METADATA_LOG))
  }

  /** Whether a disk ever lost or changed what this log had synced. */
  isHarmed(logName: string): boolean {
    return this.#harmed.has(logName)
  }

  /**
   * Whether it may say of this log that it is damaged: its disk changed something, or is another one by now; or the last folder was away, and what was
   * moved to other brokers meanwhile is found there without a note of it; or an old checkpoint says how far it went before it was moved away and back.
   */
  mayBeDamaged(logName: string): boolean {
    if (this.#harmed.has(logName) || this.#wasReplaced || this.#remembersTooMuch) return true
    return this.#folderWasAway && this.diskOf(logName) === this.#disks.at(-1)
  }

  /** Whether an empty disk ever took the place of one of its own. */
  get wasReplaced(): boolean {
    return this.#wasReplaced
  }

  /** Whether a disk of it ever did what it should not. */
  get hadDiskFault(): boolean {
    return this.#harmed.size > 0 || this.failedCalls > 0
  }

  /** Calls that its disks failed, or had no room for. */
  get failedCalls(): number {
    return this.#disks.reduce((sum, { failedCalls, fullCalls }) => sum + failedCalls + fullCalls, 0)
  }

  /** The disk of the first data folder, for whoever breaks it. */
  get disk(): SimDisk {
    return this.#disks[0] as SimDisk
  }

  /** The running node; undefined while it is down or recovers. */
  get running(): OxbowNode | undefined {
    return this.#node
  }

  /** What its listener holds of produce, and what rules 8 allow it to. */
  get unansweredProduce(): { readonly held: number; readonly limit: number } {
    const { produceInFlightBytes } = this.#settings.options.config
    return { held: this.#unansweredProduce.heldBytes, limit: this.#unansweredProduce.limitBytes(produceInFlightBytes) }
  }

  get image(): OxbowNode['image'] {
    return this.#live().image
  }

  get metadataLog(): OxbowNode['metadataLog'] {
    return this.#live().metadataLog
  }

  raft(): ReturnType<OxbowNode['raft']> {
    return this.#live().raft()
  }

  get liveReplicas(): OxbowNode['liveReplicas'] {
    return this.#live().liveReplicas
  }

  /** Whether it leads that partition, by the newest leader epoch that it knows. */
  leads(topicId: string, partition: number): boolean {
    const replica = this.#node?.replicas().find((view) => view.topicId === topicId && view.partition === partition)
    return !this.paused && replica?.role === 'leader'
  }

  start(): void {
    assert(this.#state === 'down', 'only a node that is down is started')
    const { options, queue, network, random, trace, codec, held } = this.#settings
    this.#incarnation += 1
    this.#state = 'starting'
    this.#whenStopped = undefined
    const owner = new Owner(`${this.name}/${this.#incarnation}`)
    const processRandom = random.fork(`process ${this.#incarnation}`)
    const transport = new SimTransport({ network, host: this.host, owner, random: processRandom.fork('transport'), codec, ...(held && { held }) })
    transport.onSend = (to, message) => this.#events.sends(to, message)
    this.#process = owner
    this.#events.began(owner)
    this.#clock = new SimClock(queue, owner, { wallOffsetMs: this.#wallOffsetMs, rate: this.#settings.clockRate ?? 1 })
    this.host.machineUp = true
    this.host.process = owner
    this.host.accept = null
    trace.tell(this.name, 'process starts')
    for (const lose of this.#losses.splice(0)) lose()
    this.#disks = this.#disks.map((disk) => disk.reopen())
    this.#failedBefore = this.failedCalls
    this.#checkpoints = this.#checkpoints.reopen()
    const dataDisks = this.#disks.map((disk, at) => ({ path: pathOf(at), disk: this.durable.wrap(at, disk) }))
    const seams = {
      clock: this.#clock,
      random: processRandom.fork('node'),
      disk: (dataDisks[0] as DataDisk).disk,
      dataDisks,
      checkpoints: this.#checkpoints,
      transport,
      logger: new StoryLogger(trace, this.name, (message) => this.#events.logs(message)),
      fatal: (error: Error) => this.#broke(owner, error),
    }
    queue.defer(owner, () => startNode(options, seams, (error, node) => this.#started(owner, transport, error, node)))
  }

  #started(owner: Owner, transport: SimTransport, error: Error | undefined, node: OxbowNode): void {
    if (owner.dead) return
    if (error !== undefined) {
      this.#broke(owner, error)
      return
    }
    this.#node = node
    this.#state = 'up'
    const unanswered = new UnansweredProduce()
    this.#unansweredProduce = unanswered
    this.host.accept = (end, purpose) => {
      if (purpose === 'client') serveClient(end, node.broker, unanswered)
      else transport.accept(end, purpose)
    }
  }

  /** A process ends by itself when its disk fails it (rules R3.5); anything else is a bug. */
  #broke(owner: Owner, error: Error): void {
    if (owner.dead) return
    if (!this.#isOfDisk(error)) {
      this.#events.failed(this, error)
      return
    }
    this.#settings.trace.tell(this.name, `process ends by itself: ${error.message}`)
    this.crash('kill')
    this.keepDownFor(AGAIN_AFTER_US)
    this.#stopped()
  }

  #isOfDisk(error: Error): boolean {
    return isDiskError(error) && this.failedCalls > this.#failedBefore
  }

  #stopped(): void {
    const done = this.#whenStopped
    this.#whenStopped = undefined
    done?.()
  }

  /**
   * kill: what the system has cached stays. powerLoss: what was not synced may go, as is foretold or else by chance, and the machine is silent while it is
   * off.
   */
  crash(how: 'kill' | 'powerLoss', foretold: Foretold | null = null): void {
    assert(this.#process !== undefined, 'only a process that lives can be crashed')
    const owner = this.#process
    this.#wallOffsetMs = this.#clock.wallOffsetMs
    if (this.#machine.paused) this.#settings.queue.resume(this.#machine)
    if (how === 'powerLoss') {
      this.host.machineUp = false
      for (const disk of this.#disks) disk.powerLoss(foretold)
      this.#checkpoints.powerLoss()
    } else {
      for (const disk of this.#disks) disk.kill()
      this.#checkpoints.kill()
    }
    this.#end(owner)
  }

  #end(owner: Owner): void {
    this.#events.ended(owner, this.#node?.raft().role ?? 'none')
    owner.die()
    this.host.process = null
    this.host.accept = null
    this.#settings.network.processDied(owner)
    this.#process = undefined
    this.#node = undefined
    this.#state = 'down'
  }

  /** A clean stop; `done` once the process has ended by itself. */
  stop(done: () => void): void {
    const owner = this.#process
    assert(this.#state === 'up' && owner !== undefined, 'only a node that is up is stopped')
    this.#state = 'stopping'
    this.#whenStopped = done
    this.#settings.queue.defer(owner, () =>
      this.#live().stop((error) => {
        if (error !== undefined && !this.#isOfDisk(error)) this.#events.failed(this, error)
        this.#settings.queue.schedule(0, null, () => {
          if (owner.dead) return
          for (const disk of this.#disks) disk.kill()
          this.#checkpoints.kill()
          this.#end(owner)
          this.#stopped()
        })
      }),
    )
  }

  pause(): void {
    assert(this.#process !== undefined, 'only a process that lives is paused')
    this.#process.pause()
    this.#machine.pause()
  }

  resume(): void {
    if (this.#process?.paused !== true) return
    this.#settings.queue.resume(this.#machine)
    this.#settings.queue.resume(this.#process)
  }

  jumpWall(byMs: number): void {
    this.#clock.jumpWall(byMs)
  }

  loseCheckpoints(how: 'lose' | 'rollBack'): void {
    if (how === 'lose') this.#checkpoints.loseAll()
    else {
      this.#checkpoints.rollBack()
      this.#remembersTooMuch = true
    }
  }

  /** What becomes of the last data folder's disk: it fails from now on, or works again, with what it held, or as a new one. */
  breakFolder(how: 'broken' | 'mended' | 'replaced'): void {
    assert(this.#disks.length > 1, 'without its first folder a node is nothing')
    const disk = this.#disks.at(-1) as SimDisk
    disk.break(how === 'broken')
    this.#folderWasAway = true
    if (how !== 'replaced') return
    disk.wipe()
    this.#wasReplaced = true
  }

  /** Its disks are replaced by empty ones: nothing is left of what it held. */
  wipe(): void {
    assert(this.#state === 'down', 'only the disks of a node that is down are replaced')
    for (const disk of this.#disks) disk.wipe()
    this.noteHarmed(METADATA_LOG)
    this.#wasReplaced = true
    this.#checkpoints.loseAll()
    this.#losses.push(() => {
      this.durable = new DurableFolders(this.#disks.length)
    })
  }

  /** One of its disks lost that file, unasked. */
  loseFile(at: number, path: string): void {
    this.#disks[at]?.removeTree(path)
    this.#losses.push(() => this.durable.lost(at, path))
  }

  /** Calls that the last data folder's disk has failed. */
  get failedFolderCalls(): number {
    return this.#disks.at(-1)?.failedCalls ?? 0
  }

  /** It stays down at least until then, whoever wants it up earlier. */
  keepDownFor(durationUs: number): void {
    const { queue } = this.#settings
    this.#downUntilUs = Math.max(this.#downUntilUs, queue.nowUs + durationUs)
    queue.schedule(durationUs, null, () => {
      if (this.#state === 'down' && queue.nowUs >= this.#downUntilUs) this.start()
    })
  }

  /** It ends, if it runs, and nobody starts it before `comeUp`. */
  keepDown(): void {
    this.#downUntilUs = Number.POSITIVE_INFINITY
    if (this.#process !== undefined) this.crash('kill')
  }

  /** Nothing keeps it down any longer. */
  comeUp(): void {
    this.#downUntilUs = this.#settings.queue.nowUs
    if (this.#state === 'down') this.keepDownFor(0)
  }

  #live(): OxbowNode {
    assert(this.#node !== undefined, 'only a running node is asked')
    return this.#node
  }
}
