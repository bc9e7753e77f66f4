import { unreachable } from '../../../src/base/assert.ts'
import type { FetchAnswer, FollowerFetch, PartitionEffect, PartitionInput } from '../../../src/replication/effects.ts'
import { Partition } from '../../../src/replication/partition.ts'
import { type ProducerSnapshot, Producers } from '../../../src/replication/producers.ts'
import { headerOf } from './batches.ts'
import { TestController } from './controller.ts'
import { type BelowStart, MemoryLog, type StoredBatch } from './memory-log.ts'

export type Proposal = Extract<PartitionEffect, { type: 'proposeIsr' }>
export type IsrAnswer = Extract<PartitionInput, { type: 'isrAnswer' }>
export type ProduceReply = Extract<PartitionEffect, { type: 'produceReply' }>

export type Message = { readonly from: number; readonly to: number } & (
  | { readonly type: 'fetch'; readonly fetch: FollowerFetch }
  | { readonly type: 'answer'; readonly answer: FetchAnswer; readonly batches: readonly StoredBatch[] }
)

export interface TestNode {
  readonly nodeId: number
  readonly log: MemoryLog
  /** Undefined: the process is dead. */
  core: Partition | undefined
  brokerEpoch: number
  /** Index of the last metadata entry applied. */
  applied: number
  suspect: boolean
  proposal: Proposal | undefined
  checkpoint: { readonly highWatermark: number; readonly producers: ProducerSnapshot } | undefined
  readonly completions: PartitionInput[]
  /** Log starts that the disk has to take, in order. */
  startMoves: number[]
  /** Per leader epoch, the high watermark it has reached. */
  highWatermarks: Map<number, number>
}

export interface WorldOptions {
  readonly replicas: readonly number[]
  readonly minInSyncReplicas: number
  readonly lagTicks: number
  readonly onEffect?: (node: TestNode, effect: PartitionEffect) => void
}

/** Several partition machines over logs in memory, one controller, and messages that go nowhere by themselves. Rules 7 are checked after every step. */
export class World {
  readonly nodes = new Map<number, TestNode>()
  readonly controller: TestController
  messages: Message[] = []
  readonly replies = new Map<number, ProduceReply>()
  /** What was ever below a leader's high watermark, by base offset, in order. */
  readonly committed = new Map<number, StoredBatch>()
  readonly #options: WorldOptions
  readonly #written = new Map<string, string>()
  readonly #leaders = new Map<number, string>()
  readonly #pendingAcks = new Map<number, string>()
  #greatestHighWatermark = 0
  #greatestStartOffset = 0
  #nextFetchId = 1

  constructor(options: WorldOptions) {
    this.#options = options
    this.controller = new TestController(options.replicas, options.minInSyncReplicas)
    for (const [at, nodeId] of options.replicas.entries()) {
      const node: TestNode = {
        nodeId,
        log: new MemoryLog(),
        core: undefined,
        brokerEpoch: at,
        applied: -1,
        suspect: false,
        proposal: undefined,
        checkpoint: undefined,
        completions: [],
        startMoves: [],
        highWatermarks: new Map(),
      }
      this.nodes.set(nodeId, node)
      this.#boot(node)
    }
    for (const nodeId of options.replicas) this.applyAll(nodeId)
  }

  /** The greatest log start that any leader ever decided: what lies below may be gone. */
  get greatestStartOffset(): number {
    return this.#greatestStartOffset
  }

  node(nodeId: number): TestNode {
    return this.nodes.get(nodeId) as TestNode
  }

  core(nodeId: number): Partition {
    const { core } = this.node(nodeId)
    if (core === undefined) throw new Error(`node ${nodeId} is down`)
    return core
  }

  step(nodeId: number, input: PartitionInput): PartitionEffect[] {
    const node = this.node(nodeId)
    if (node.core === undefined) return []
    const { quietTicks } = node.core
    const effects = node.core.step(input)
    if (input.type === 'tick' && quietTicks > 0 && (effects.length > 0 || node.core.quietTicks !== quietTicks - 1)) {
      throw new Error(`of ${quietTicks} quiet ticks of node ${nodeId} the first one changed something`)
    }
    for (const effect of effects) this.#perform(node, effect)
    this.check()
    return effects
  }

  produce(nodeId: number, produceId: number, acks: -1 | 0 | 1, bytes: Buffer, currentLeaderEpoch = -1): void {
    if (acks === -1) this.#pendingAcks.set(produceId, bytes.toString('latin1', 61))
    this.step(nodeId, { type: 'produce', produceId, nowMs: 0, acks, currentLeaderEpoch, header: headerOf(bytes), bytes })
  }

  /** Applies the next metadata entry; false when there is none. The own entry counts from the own registration on (rules R5.4). */
  apply(nodeId: number): boolean {
    const node = this.node(nodeId)
    const entry = this.controller.entries[node.applied + 1]
    if (entry === undefined || node.core === undefined) return false
    node.applied += 1
    const brokers = new Map(entry.brokers)
    if (brokers.get(nodeId)?.brokerEpoch !== node.brokerEpoch) brokers.delete(nodeId)
    const timestamps = { type: 'CreateTime', beforeMaxMs: Number.MAX_SAFE_INTEGER, afterMaxMs: Number.MAX_SAFE_INTEGER } as const
    const { minInSyncReplicas } = this.controller
    this.step(nodeId, { type: 'assign', state: entry.state, brokers, minInSyncReplicas, maxMessageBytes: 1000, timestamps })
    if (entry.state.isr.some((member) => member.nodeId === nodeId && member.brokerEpoch === node.brokerEpoch)) node.suspect = false
    return true
  }

  applyAll(nodeId: number): void {
    while (this.apply(nodeId));
  }

  /** Syncs and says so at once. */
  sync(nodeId: number, count?: number): void {
    this.step(nodeId, this.node(nodeId).log.sync(count))
  }

  /** The disk takes the next log start that was decided, with what outlives it; `silently`: a crash comes before the machine is told. */
  syncStart(nodeId: number, silently = false): void {
    const node = this.node(nodeId)
    const offset = node.startMoves.shift()
    if (node.core === undefined || offset === undefined) return
    const completion = node.log.syncStart(offset, { epochs: node.core.epochs, producers: node.core.producerSnapshot() })
    if (!silently) this.step(nodeId, completion)
  }

  /** The message goes to its receiver. It stays where it is in `messages`: the caller takes it out, or not (a double). */
  deliver(message: Message): PartitionEffect[] {
    if (message.type === 'fetch') return this.step(message.to, { type: 'fetch', from: message.from, fetch: message.fetch })
    const headers = message.batches.map((batch) => headerOf(batch.bytes))
    const bytes = Buffer.concat(message.batches.map((batch) => batch.bytes))
    return this.step(message.to, { type: 'answer', from: message.from, answer: message.answer, headers, bytes })
  }

  crash(nodeId: number): void {
    const node = this.node(nodeId)
    node.core = undefined
    node.proposal = undefined
    node.completions.length = 0
    node.startMoves = []
    node.suspect = true
    node.log.crash()
  }

  /** A new process: registered with the controller, which has `appliedBack` entries to be applied anew. */
  restart(nodeId: number, appliedBack = 0): void {
    const node = this.node(nodeId)
    node.brokerEpoch = this.controller.register(nodeId)
    node.applied = Math.max(-1, node.applied - appliedBack)
    this.#boot(node)
  }

  checkpoint(nodeId: number): void {
    const node = this.node(nodeId)
    if (node.core !== undefined) node.checkpoint = { highWatermark: node.core.highWatermark, producers: node.core.producerSnapshot() }
  }

  disconnect(a: number, b: number): void {
    this.messages = this.messages.filter((message) => !(message.from === a && message.to === b) && !(message.from === b && message.to === a))
    this.step(a, { type: 'disconnected', nodeId: b })
    this.step(b, { type: 'disconnected', nodeId: a })
  }

  /** The proposal reaches the controller; what it answers is for the caller to hand over, or not. */
  decide(nodeId: number, proposal: Proposal, brokerEpoch = this.node(nodeId).brokerEpoch): IsrAnswer {
    const code = this.controller.alterPartition({ nodeId, brokerEpoch }, proposal)
    return { type: 'isrAnswer', leaderEpoch: proposal.leaderEpoch, partitionEpoch: proposal.partitionEpoch, code }
  }

  answerProposal(nodeId: number, answer: IsrAnswer): void {
    const node = this.node(nodeId)
    if (node.proposal?.leaderEpoch === answer.leaderEpoch && node.proposal.partitionEpoch === answer.partitionEpoch) node.proposal = undefined
    this.step(nodeId, answer)
  }

  elect(): boolean {
    const reports = [...this.nodes.values()]
      .filter((node) => node.core?.role === 'none' && node.applied === this.controller.entries.length - 1)
      .map((node) => ({
        nodeId: node.nodeId,
        lastEpoch: (node.core as Partition).lastEpoch,
        syncedEndOffset: (node.core as Partition).syncedEndOffset,
        suspect: node.suspect,
      }))
    return this.controller.elect(reports)
  }

  /** Throws with the name of the invariant of rules 7 that does not hold. */
  check(): void {
    for (const node of this.nodes.values()) {
      const { core } = node
      if (core === undefined) continue
      this.#checkPositions(node, core)
      if (core.role !== 'leader') continue
      const previous = this.#leaders.get(core.leaderEpoch)
      const name = `${node.nodeId} under broker epoch ${node.brokerEpoch}`
      if (previous !== undefined && previous !== name) throw new Error(`I3: leader epoch ${core.leaderEpoch} is served by ${previous} and ${name}`)
      this.#leaders.set(core.leaderEpoch, name)
    }
    this.#checkHeld()
  }

  #checkPositions(node: TestNode, core: Partition): void {
    const { log } = node
    if (core.logEndOffset !== log.endOffset || core.cutCount !== log.cutCount || core.logStartOffset !== log.startOffset)
      throw new Error(`node ${node.nodeId}: core and log disagree`)
    const isReset = core.syncedEndOffset < core.logStartOffset
    if (core.logStartOffset > core.highWatermark && !isReset) throw new Error(`the log of node ${node.nodeId} begins above its high watermark`)
    if (core.logStartOffset > this.#greatestStartOffset) throw new Error(`the log of node ${node.nodeId} begins where no leader decided it`)
    const reached = node.highWatermarks.get(core.leaderEpoch) ?? 0
    if (core.highWatermark < reached && core.state?.unclean !== true)
      throw new Error(`I5: the high watermark of node ${node.nodeId} fell from ${reached} to ${core.highWatermark}`)
    node.highWatermarks.set(core.leaderEpoch, core.highWatermark)
    for (const batch of log.batches) {
      if (batch.header.lastOffset >= core.highWatermark) break
      const committed = this.committed.get(batch.header.baseOffset)
      if (committed !== undefined && !isSame(committed, batch) && !this.controller.state.unclean)
        throw new Error(`I6: node ${node.nodeId} has another record at ${batch.header.baseOffset}`)
    }
  }

  /** I1: whatever was below a high watermark once is on the disk of all of ISR ∪ ELR, those that have not heard of it included. */
  #checkHeld(): void {
    const { isr, elr, unclean } = this.controller.state
    if (unclean) return
    for (const nodeId of [...isr.map((member) => member.nodeId), ...elr]) {
      const { log } = this.node(nodeId)
      const kept = log.batches[0]?.header.baseOffset ?? log.endOffset
      const durable = log.durable[0]?.header.baseOffset ?? log.durableEndOffset
      let at = 0
      let durableAt = 0
      for (const batch of this.committed.values()) {
        const isGone = batch.header.lastOffset < this.#greatestStartOffset
        const isHeld = isGone && batch.header.baseOffset < kept ? true : isSame(log.batches[at++], batch)
        const isDurable = isGone && batch.header.baseOffset < durable ? true : isSame(log.durable[durableAt++], batch)
        if (!isHeld || !isDurable) throw new Error(`I1: node ${nodeId} is in ISR or ELR and lacks ${batch.value}, committed at ${batch.header.baseOffset}`)
      }
    }
  }

  #boot(node: TestNode): void {
    const { log, checkpoint } = node
    const belowStart = log.belowStart?.producers
    const isNewer = belowStart !== undefined && belowStart.endOffset > (checkpoint?.producers.endOffset ?? -1)
    const producers = Producers.restore(isNewer ? belowStart : checkpoint?.producers)
    for (const { header } of log.batches) if (header.baseOffset >= producers.stateOffset) producers.replay(header)
    node.highWatermarks = new Map()
    node.core = new Partition({
      nodeId: node.nodeId,
      log: {
        startOffset: log.startOffset,
        startBatchOffset: log.startBatchOffset,
        endOffset: log.endOffset,
        syncedEndOffset: log.endOffset,
        cutCount: 0,
        epochs: log.epochs(),
      },
      highWatermark: Math.max(log.startOffset, Math.min(checkpoint?.highWatermark ?? 0, log.endOffset)),
      producers,
      fetchIds: { next: () => this.#nextFetchId++ },
      lagTicks: this.#options.lagTicks,
      reportTicks: 4,
      fetchMaxBytes: 200,
      maxUnansweredBatches: 5,
      repairing: false,
    })
  }

  #perform(node: TestNode, effect: PartitionEffect): void {
    const { nodeId, log } = node
    this.#options.onEffect?.(node, effect)
    switch (effect.type) {
      case 'append':
        log.appendAsLeader(effect.bytes, effect)
        this.#noteWritten(log.batches.slice(-1))
        break
      case 'appendFetched':
        log.appendFetched(effect.bytes, effect.headers)
        this.#noteWritten(log.batches.slice(-effect.headers.length))
        break
      case 'truncate':
        this.#truncate(node, effect)
        break
      case 'advanceStart':
        if (effect.offset > (node.core?.highWatermark ?? 0)) throw new Error(`node ${nodeId} moves its log start above its high watermark`)
        if (node.core?.role === 'leader') this.#greatestStartOffset = Math.max(this.#greatestStartOffset, effect.offset)
        log.startOffset = effect.offset
        node.startMoves.push(effect.offset)
        break
      case 'resetLog':
        this.#reset(node, effect.offset)
        break
      case 'produceReply':
        this.#reply(effect)
        break
      case 'answerFetch': {
        const batches = effect.maxBytes === 0 ? [] : log.read(effect.answer.fetchOffset, effect.maxBytes)
        this.messages.push({ type: 'answer', from: nodeId, to: effect.to, answer: effect.answer, batches })
        break
      }
      case 'sendFetch':
        this.messages.push({ type: 'fetch', from: nodeId, to: effect.to, fetch: effect.fetch })
        break
      case 'proposeIsr':
        node.proposal = effect
        break
      case 'highWatermark':
        if (node.core?.role === 'leader') this.#commit(node, effect.offset)
        break
      case 'quarantine':
      case 'lowWatermark':
      case 'event':
        break
      default:
        unreachable(effect)
    }
  }

  /** What the leader told of the records that are gone is written with the new start. */
  #reset(node: TestNode, offset: number): void {
    if (offset > this.#greatestStartOffset) throw new Error(`node ${node.nodeId} drops its log for a start that no leader decided`)
    const { core } = node
    if (core === undefined) return
    const belowStart: BelowStart = { epochs: core.epochs, producers: { endOffset: offset, producers: core.producersBelow(offset) } }
    node.startMoves = []
    node.log.reset(offset, belowStart)
  }

  #truncate(node: TestNode, effect: Extract<PartitionEffect, { type: 'truncate' }>): void {
    const cut = node.log.truncate(effect.endOffset)
    const lost = cut.find((batch) => batch.header.lastOffset >= this.#greatestStartOffset && isSame(this.committed.get(batch.header.baseOffset), batch))
    if (lost !== undefined && !this.controller.state.unclean)
      throw new Error(`I6: node ${node.nodeId} cut committed ${lost.value} at ${lost.header.baseOffset}`)
  }

  #noteWritten(batches: readonly StoredBatch[]): void {
    for (const { header, value } of batches) {
      const key = `${header.baseOffset} of epoch ${header.leaderEpoch}`
      const known = this.#written.get(key)
      if (known !== undefined && known !== value) throw new Error(`I2: ${key} is ${known} and ${value}`)
      this.#written.set(key, value)
    }
  }

  #commit(node: TestNode, highWatermark: number): void {
    this.#greatestHighWatermark = Math.max(this.#greatestHighWatermark, highWatermark)
    for (const batch of node.log.batches) {
      if (batch.header.baseOffset >= highWatermark) break
      const known = this.committed.get(batch.header.baseOffset)
      if (known === undefined) this.committed.set(batch.header.baseOffset, batch)
      else if (!isSame(known, batch)) {
        if (!this.controller.state.unclean) throw new Error(`I6: ${known.value} was committed at ${batch.header.baseOffset}, now it is ${batch.value}`)
        this.committed.set(batch.header.baseOffset, batch)
      }
    }
  }

  /** R1.1: an acknowledged record is on disk on min in-sync replicas, where the answer says. */
  #reply(effect: ProduceReply): void {
    if (this.replies.has(effect.produceId)) throw new Error(`produce ${effect.produceId} was answered twice`)
    this.replies.set(effect.produceId, effect)
    const value = this.#pendingAcks.get(effect.produceId)
    if (effect.code !== null || value === undefined) return
    if (effect.baseOffset >= this.#greatestHighWatermark)
      throw new Error(`I4: ${value} was acknowledged at ${effect.baseOffset}, the greatest high watermark is ${this.#greatestHighWatermark}`)
    const committed = this.committed.get(effect.baseOffset)
    if (committed?.value !== value) throw new Error(`I4: ${value} was acknowledged at ${effect.baseOffset}, which is not it`)
    const onDisk = [...this.nodes.values()].filter((node) =>
      node.log.durable.some((batch) => batch.value === value && batch.header.baseOffset === effect.baseOffset),
    )
    if (committed.header.lastOffset < this.#greatestStartOffset) return
    if (onDisk.length < this.controller.minInSyncReplicas) throw new Error(`R1.1: ${value} was acknowledged and is on ${onDisk.length} disks`)
  }
}

/** One record: the same value may be appended twice, in two epochs, when a first copy was cut. */
function isSame(a: StoredBatch | undefined, b: StoredBatch): boolean {
  return a?.value === b.value && a.header.leaderEpoch === b.header.leaderEpoch && a.header.baseOffset === b.header.baseOffset
}
