import { type Random, SeededRandom } from '../../../src/base/random.ts'
import type { PartitionEffect } from '../../../src/replication/effects.ts'
import { makeBatch } from './batches.ts'
import { type IsrAnswer, type Proposal, type TestNode, World } from './world.ts'

const NODES = [1, 2, 3]
const MAX_MESSAGES = 40
const HEAL_ROUNDS = 400

interface Sending {
  readonly value: string
  readonly baseSequence: number
  /** Undefined: to be sent (again). */
  produceId: number | undefined
}

/** An idempotent producer: up to five batches at once, each sent again until it is acknowledged, to whoever thinks it leads. */
class TestProducer {
  readonly producerId: number
  readonly inFlight: Sending[] = []
  nextSequence = 0

  constructor(producerId: number) {
    this.producerId = producerId
  }

  begin(): void {
    if (this.inFlight.length >= 5) return
    const baseSequence = this.nextSequence++
    this.inFlight.push({ value: `p${this.producerId}-${baseSequence}`, baseSequence, produceId: undefined })
  }
}

export interface Outcome {
  acknowledged: number
  crashes: number
  elections: number
  cuts: number
  expands: number
  shrinks: number
  duplicates: number
  outOfOrder: number
  olderThanFive: number
  starts: number
  resets: number
}

type Late = { readonly nodeId: number } & ({ readonly proposal: Proposal; readonly brokerEpoch: number } | { readonly answer: IsrAnswer })

/** One seed: `steps` random steps, then everything heals. Throws with seed, step and the story so far where a rule is broken. */
export function explore(seed: number, steps: number): Outcome {
  try {
    return run(new Exploration(seed, undefined), steps)
  } catch {
    // The same again, this time told.
    const trace: string[] = []
    const exploration = new Exploration(seed, trace)
    try {
      return run(exploration, steps)
    } catch (error) {
      throw new Error(`seed ${seed}, step ${exploration.steps}: ${(error as Error).message}\n${trace.slice(-60).join('\n')}`, { cause: error })
    }
  }
}

function run(exploration: Exploration, steps: number): Outcome {
  for (let step = 0; step < steps; step++) exploration.step()
  exploration.heal()
  return exploration.outcome
}

class Exploration {
  readonly outcome: Outcome = {
    acknowledged: 0,
    crashes: 0,
    elections: 0,
    cuts: 0,
    expands: 0,
    shrinks: 0,
    duplicates: 0,
    outOfOrder: 0,
    olderThanFive: 0,
    starts: 0,
    resets: 0,
  }
  readonly #trace: string[] | undefined
  steps = 0
  readonly #random: Random
  readonly #world: World
  readonly #producers = [new TestProducer(7), new TestProducer(8)]
  readonly #acknowledged = new Map<string, number>()
  readonly #duplicates = new Set<string>()
  #late: Late[] = []
  #nextProduceId = 1
  readonly #actions: readonly (readonly [weight: number, act: () => void])[]

  constructor(seed: number, trace: string[] | undefined) {
    this.#trace = trace
    this.#random = new SeededRandom(seed)
    this.#world = new World({ replicas: NODES, minInSyncReplicas: 2, lagTicks: 8, onEffect: (node, effect) => this.#observe(node, effect) })
    // Each seed has its own weather.
    const rough = 1 + this.#random.integer(8)
    this.#actions = [
      [600, () => this.#deliver()],
      [300, () => this.#sync()],
      [250, () => this.#complete()],
      [200, () => this.#apply()],
      [100, () => this.#tick()],
      [250, () => this.#produce()],
      [80, () => this.#propose()],
      [100, () => this.#handOver()],
      [60, () => this.#elect()],
      [80, () => this.#unfence()],
      [4 + 4 * this.#random.integer(8), () => this.#restart()],
      [10, () => this.#world.checkpoint(this.#pickNode())],
      [2 * rough, () => this.#crash()],
      [rough, () => this.#fence()],
      [2 * rough, () => this.#crashAll()],
      [5 * rough, () => this.#lose()],
      [rough, () => this.#disconnect()],
      [rough, () => this.#move()],
      [20 * this.#random.integer(8), () => this.#retain()],
      [60, () => this.#syncStart()],
    ]
  }

  step(): void {
    this.steps += 1
    const total = this.#actions.reduce((sum, [weight]) => sum + weight, 0)
    let drawn = this.#random.integer(total)
    for (const [weight, act] of this.#actions) {
      if (drawn < weight) {
        act()
        return
      }
      drawn -= weight
    }
  }

  /** All comes back; then everybody is in sync again and holds every acknowledged record once. */
  heal(): void {
    const world = this.#world
    for (let round = 0; round < HEAL_ROUNDS; round++) {
      for (const node of world.nodes.values()) {
        if (node.core === undefined) world.restart(node.nodeId)
        world.applyAll(node.nodeId)
        if (world.controller.broker(node.nodeId).fenced) world.controller.unfence(node.nodeId)
        world.applyAll(node.nodeId)
      }
      if (world.elect()) continue
      for (const producer of this.#producers) for (const sending of [...producer.inFlight]) this.#send(producer, sending)
      for (const message of world.messages.splice(0)) world.deliver(message)
      for (const node of world.nodes.values()) {
        node.completions.length = 0
        world.sync(node.nodeId)
        while (node.startMoves.length > 0) world.syncStart(node.nodeId)
        if (node.proposal !== undefined) world.answerProposal(node.nodeId, world.decide(node.nodeId, node.proposal))
        world.step(node.nodeId, { type: 'tick' })
      }
      this.#collect()
      if (this.#isWhole()) break
    }
    if (!this.#isWhole()) throw new Error(`stuck: ${this.#describe()}`)
    this.#checkEnd()
  }

  #isWhole(): boolean {
    const cores = [...this.#world.nodes.values()].map((node) => node.core)
    const end = cores[0]?.logEndOffset
    const settled = cores.every((core) => core !== undefined && core.logEndOffset === end && core.highWatermark === end && core.isr.length === NODES.length)
    return settled && this.#producers.every((producer) => producer.inFlight.length === 0)
  }

  #describe(): string {
    const nodes = [...this.#world.nodes.values()].map(({ nodeId, core }) => `${nodeId}: ${core?.role} end ${core?.logEndOffset} hw ${core?.highWatermark}`)
    const state = this.#world.controller.state
    return `${nodes.join(', ')}; leader ${state.leader} isr ${state.isr.map((member) => member.nodeId)} elr ${state.elr}; sending ${this.#producers.map((producer) => producer.inFlight.length)}`
  }

  /** What was committed is the truth; each replica holds all of it from where its log begins. */
  #checkEnd(): void {
    const offsets = new Map<string, number>()
    const committed = [...this.#world.committed.values()]
    for (const { header, value } of committed) {
      if (offsets.has(value) && value.startsWith('p')) throw new Error(`R6.8: ${value} is there at ${offsets.get(value)} and ${header.baseOffset}`)
      offsets.set(value, header.baseOffset)
    }
    for (const [value, offset] of this.#acknowledged) {
      if (offsets.get(value) !== offset) throw new Error(`R1.1: ${value}, acknowledged at ${offset}, is at ${offsets.get(value)}`)
    }
    for (const value of this.#duplicates) if (!offsets.has(value)) throw new Error(`R6.8: ${value} was called a duplicate and is not there`)
    const sequences = committed.filter((batch) => batch.header.producerId === 7).map((batch) => batch.header.baseSequence)
    if (sequences.some((sequence, at) => sequence !== at)) throw new Error(`R6.8: the sequences of producer 7 are ${sequences}`)
    for (const { nodeId, log } of this.#world.nodes.values()) {
      const kept = log.batches[0]?.header.baseOffset ?? log.endOffset
      const expected = committed.filter(({ header }) => header.baseOffset >= kept).map(({ value }) => value)
      const held = log.batches.map(({ value }) => value)
      if (held.join() !== expected.join()) throw new Error(`R1.1: node ${nodeId} holds ${held}, committed from ${kept} on is ${expected}`)
      if (log.startOffset > this.#world.greatestStartOffset) throw new Error(`the log of node ${nodeId} begins at ${log.startOffset}, decided by no leader`)
    }
  }

  #pickNode(): number {
    return NODES[this.#random.integer(NODES.length)] as number
  }

  /** `details` go behind the text, without bytes. */
  #say(text: string, ...details: readonly unknown[]): void {
    this.#trace?.push(
      `${this.steps}: ${text} ${details.map((detail) => JSON.stringify(detail, (key, value) => (key === 'bytes' ? undefined : value))).join(' ')}`,
    )
  }

  #deliver(): void {
    const { messages } = this.#world
    if (messages.length === 0) return
    // Mostly in order; sometimes any, and sometimes it stays to come again.
    const at = this.#random.integer(4) === 0 ? this.#random.integer(messages.length) : 0
    const message = messages[at] as (typeof messages)[number]
    if (this.#random.integer(12) !== 0) messages.splice(at, 1)
    while (messages.length > MAX_MESSAGES) messages.splice(this.#random.integer(messages.length), 1)
    this.#say(`${message.from} → ${message.to}`, message.type === 'fetch' ? message.fetch : message.answer)
    this.#world.deliver(message)
  }

  #sync(): void {
    const node = this.#world.node(this.#pickNode())
    if (node.core === undefined) return
    node.completions.push(node.log.sync(1 + this.#random.integer(4)))
    this.#say(`${node.nodeId} synced to ${node.log.durableEndOffset}`)
    this.#world.check()
  }

  #complete(): void {
    const node = this.#world.node(this.#pickNode())
    const at = this.#random.integer(5) === 0 ? this.#random.integer(node.completions.length + 1) : 0
    const completion = node.completions.splice(at, 1)[0]
    if (completion === undefined) return
    this.#say(`${node.nodeId}`, completion)
    this.#world.step(node.nodeId, completion)
  }

  #apply(): void {
    const nodeId = this.#pickNode()
    for (let count = this.#random.integer(4); count >= 0 && this.#world.apply(nodeId); count--) {
      this.#say(`${nodeId} applied`, this.#world.core(nodeId).state)
    }
  }

  #tick(): void {
    for (const nodeId of NODES) if (this.#random.integer(4) !== 0) this.#world.step(nodeId, { type: 'tick' })
  }

  #produce(): void {
    this.#collect()
    const nodeId = this.#pickNode()
    const kind = this.#random.integer(8)
    if (kind === 0) {
      const produceId = this.#nextProduceId++
      this.#world.produce(nodeId, produceId, 1, makeBatch(`one-${produceId}`, { records: 1 + this.#random.integer(3) }))
      return
    }
    const producer = this.#producers[this.#random.integer(2)] as TestProducer
    if (kind === 1 && producer.nextSequence > 0) {
      // A request that wandered through the network for long: nobody waits for its answer.
      const baseSequence = this.#random.integer(producer.nextSequence)
      this.#world.produce(
        nodeId,
        this.#nextProduceId++,
        -1,
        makeBatch(`p${producer.producerId}-${baseSequence}`, { producerId: producer.producerId, baseSequence }),
      )
      return
    }
    if (kind < 6) producer.begin()
    const unsent = producer.inFlight.find(({ produceId }) => produceId === undefined)
    const sending = this.#random.integer(3) === 0 ? producer.inFlight[this.#random.integer(producer.inFlight.length + 1)] : unsent
    if (sending !== undefined) this.#send(producer, sending)
  }

  #send(producer: TestProducer, sending: Sending): void {
    if (sending.produceId !== undefined && this.#random.integer(3) !== 0) return
    const node = [...this.#world.nodes.values()].filter(({ core }) => core?.role === 'leader')
    const leader = node[this.#random.integer(node.length + 1)] ?? node[0]
    if (leader === undefined) return
    // An answer to an earlier try may still come; the newest counts.
    sending.produceId = this.#nextProduceId++
    this.#say(`${sending.value} to ${leader.nodeId}`)
    const bytes = makeBatch(sending.value, { producerId: producer.producerId, baseSequence: sending.baseSequence })
    this.#world.produce(leader.nodeId, sending.produceId, -1, bytes)
  }

  /** Answers reach the producers. */
  #collect(): void {
    for (const producer of this.#producers) {
      for (const sending of [...producer.inFlight]) {
        const reply = sending.produceId === undefined ? undefined : this.#world.replies.get(sending.produceId)
        if (reply === undefined) continue
        if (reply.code === null || reply.code === 'DUPLICATE_SEQUENCE_NUMBER') {
          if (reply.code === null) this.#noteAcknowledged(sending.value, reply.baseOffset)
          else this.#duplicates.add(sending.value)
          // The answer is lost now and then: the same is sent again.
          if (this.#random.integer(6) === 0) sending.produceId = undefined
          else producer.inFlight.splice(producer.inFlight.indexOf(sending), 1)
        } else {
          sending.produceId = undefined
          if (reply.code === 'OUT_OF_ORDER_SEQUENCE_NUMBER') this.outcome.outOfOrder += 1
        }
      }
    }
    this.outcome.acknowledged = this.#acknowledged.size
  }

  #noteAcknowledged(value: string, offset: number): void {
    const known = this.#acknowledged.get(value)
    if (known !== undefined && known !== offset) throw new Error(`R6.8: ${value} was acknowledged at ${known} and at ${offset}`)
    if (known !== undefined) this.outcome.duplicates += 1
    this.#acknowledged.set(value, offset)
  }

  #propose(): void {
    const node = this.#world.node(this.#pickNode())
    if (node.proposal === undefined) return
    this.#late.push({ nodeId: node.nodeId, proposal: node.proposal, brokerEpoch: node.brokerEpoch })
  }

  #handOver(): void {
    const at = this.#random.integer(this.#late.length + 1)
    const late = this.#late[at]
    if (late === undefined) return
    if (this.#random.integer(6) !== 0) this.#late.splice(at, 1)
    if (this.#late.length > 8) this.#late = this.#late.slice(-8)
    if ('proposal' in late) {
      const { nodeId, proposal } = late
      const before = this.#world.controller.state.isr.length
      const answer = this.#world.decide(nodeId, proposal, late.brokerEpoch)
      this.#say(`proposal of ${nodeId}`, proposal, answer)
      if (this.#world.controller.state.isr.length > before) this.outcome.expands += 1
      if (this.#world.controller.state.isr.length < before) this.outcome.shrinks += 1
      if (this.#random.integer(4) !== 0) this.#late.push({ nodeId, answer })
    } else {
      this.#say(`answer to ${late.nodeId}`, late.answer)
      this.#world.answerProposal(late.nodeId, late.answer)
    }
    this.#world.check()
  }

  #elect(): void {
    if (!this.#world.elect()) return
    this.outcome.elections += 1
    this.#say(`elected ${this.#world.controller.state.leader}`)
  }

  #fence(): void {
    const nodeId = this.#pickNode()
    if (this.#world.controller.broker(nodeId).fenced) return
    this.#say(`fence ${nodeId}`)
    this.#world.controller.fence(nodeId)
    this.#world.check()
  }

  #unfence(): void {
    const { nodeId, core, applied, brokerEpoch } = this.#world.node(this.#pickNode())
    if (core === undefined || applied < brokerEpoch || !this.#world.controller.broker(nodeId).fenced) return
    this.#say(`unfence ${nodeId}`)
    this.#world.controller.unfence(nodeId)
  }

  #crash(): void {
    const node = this.#world.node(this.#pickNode())
    if (node.core === undefined) return
    this.#say(`crash ${node.nodeId}`)
    this.outcome.crashes += 1
    this.#world.crash(node.nodeId)
    this.#world.check()
  }

  /** Power fails everywhere; seldom. */
  #crashAll(): void {
    if (this.#random.integer(20) !== 0) return
    for (const node of this.#world.nodes.values()) {
      if (node.core === undefined) continue
      this.outcome.crashes += 1
      this.#world.crash(node.nodeId)
    }
    this.#say('all crash')
    this.#world.check()
  }

  #restart(): void {
    const node = this.#world.node(this.#pickNode())
    if (node.core !== undefined) return
    this.#say(`restart ${node.nodeId}`)
    this.#world.restart(node.nodeId, this.#random.integer(5))
  }

  #lose(): void {
    const { messages } = this.#world
    if (messages.length > 0) messages.splice(this.#random.integer(messages.length), 1)
  }

  #disconnect(): void {
    this.#world.disconnect(this.#pickNode(), this.#pickNode())
  }

  #move(): void {
    const { state } = this.#world.controller
    const nodeId = this.#pickNode()
    if (state.leader === -1 || state.leader === nodeId || !state.isr.some((member) => member.nodeId === nodeId)) return
    this.#say(`move to ${nodeId}`)
    this.#world.controller.move(nodeId)
    this.outcome.elections += 1
  }

  /** Any offset may be asked for: the leader keeps to its high watermark. */
  #retain(): void {
    const { nodeId, core } = this.#world.node(this.#pickNode())
    if (core?.role !== 'leader') return
    const held = Math.max(1, core.logEndOffset - core.logStartOffset + 1)
    const offset = this.#random.integer(2) === 0 ? core.highWatermark : core.logStartOffset + 1 + this.#random.integer(held)
    this.#say(`records below ${offset} go on ${nodeId}`)
    this.#world.step(nodeId, { type: 'advanceStart', offset })
  }

  /** Now and then the process dies when its disk has the start and the machine has not heard of it. */
  #syncStart(): void {
    const { nodeId, core, startMoves } = this.#world.node(this.#pickNode())
    if (core === undefined || startMoves.length === 0) return
    const crashes = this.#random.integer(30) === 0
    this.#say(`${nodeId} has log start ${startMoves[0]} on disk`)
    this.#world.syncStart(nodeId, crashes)
    if (!crashes) return
    this.#say(`crash ${nodeId}`)
    this.outcome.crashes += 1
    this.#world.crash(nodeId)
    this.#world.check()
  }

  #observe(node: TestNode, effect: PartitionEffect): void {
    if (effect.type === 'truncate') this.outcome.cuts += 1
    if (effect.type === 'advanceStart') this.outcome.starts += 1
    if (effect.type === 'resetLog') this.outcome.resets += 1
    if (effect.type === 'quarantine') throw new Error(`node ${node.nodeId} is set aside though no disk failed: ${effect.reason}`)
    if (effect.type === 'produceReply' && effect.code === 'DUPLICATE_SEQUENCE_NUMBER') this.outcome.olderThanFive += 1
    if (effect.type === 'sendFetch' || effect.type === 'answerFetch') return
    this.#say(`   ${node.nodeId}`, effect)
  }
}
