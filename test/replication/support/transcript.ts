import type { PartitionEffect } from '../../../src/replication/effects.ts'
import { makeBatch } from './batches.ts'
import { type IsrAnswer, type Message, type Proposal, type TestNode, World } from './world.ts'

interface Block {
  /** Comments and command, as written. */
  readonly input: readonly string[]
  readonly expected: string
}

/** A script is blocks of comments (#), commands, a line ----, and what they say; blocks are parted by an empty line. Source: etcd's datadriven tests. */
export function parseScript(text: string): Block[] {
  return text
    .split(/\n\n+/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const lines = block.trim().split('\n')
      const at = lines.indexOf('----')
      return { input: at < 0 ? lines : lines.slice(0, at), expected: at < 0 ? '' : lines.slice(at + 1).join('\n') }
    })
}

/** The script with what really happened. Equal to the script when all is as expected. */
export function runScript(text: string): string {
  const stage = new Stage()
  const blocks = parseScript(text).map(({ input }) => {
    const commands = input.filter((line) => !line.startsWith('#'))
    if (commands.length === 0) return input.join('\n')
    const said = commands.flatMap((command) => stage.run(command))
    return [...input, '----', ...(said.length === 0 ? ['nothing'] : said)].join('\n')
  })
  return `${blocks.join('\n\n')}\n`
}

const MAX_ROUNDS = 50

/** Runs commands on a World; what the machines do comes out as lines. */
class Stage {
  #world = new World({ replicas: [1, 2, 3], minInSyncReplicas: 2, lagTicks: 8 })
  #lines: string[] = []
  #nextProduceId = 1
  readonly #proposals = new Map<number, { readonly proposal: Proposal; readonly brokerEpoch: number }>()
  readonly #answers = new Map<number, IsrAnswer>()
  /** Inside `settle` the traffic itself is left out. */
  #quiet = false

  run(command: string): string[] {
    this.#lines = []
    const [verb = '', ...words] = command.split(/ +/)
    const names = new Map(words.filter((word) => word.includes('=')).map((word) => word.split('=') as [string, string]))
    const plain = words.filter((word) => !word.includes('='))
    this.#dispatch(verb, plain, names)
    return this.#lines
  }

  #dispatch(verb: string, plain: readonly string[], names: ReadonlyMap<string, string>): void {
    const [first = ''] = plain
    const nodeId = Number(first)
    const world = this.#world
    switch (verb) {
      case 'world':
        this.#begin(names)
        break
      case 'produce':
        this.#produce(nodeId, plain[1] ?? '', names)
        break
      case 'sync':
        world.sync(nodeId, plain[1] === undefined ? undefined : Number(plain[1]))
        break
      case 'deliver':
        this.#deliver(first, plain.includes('keep'))
        break
      case 'drop':
        this.#take(first)
        break
      case 'settle':
        this.#settle(plain.filter((word) => word !== 'aloud').map(Number), plain.includes('aloud'))
        break
      case 'apply':
        for (const id of this.#idsOf(first)) world.applyAll(id)
        break
      case 'tick':
        for (let left = Number(plain[1] ?? 1); left > 0; left--) for (const id of this.#idsOf(first)) world.step(id, { type: 'tick' })
        break
      case 'propose':
        this.#hold(nodeId)
        break
      case 'decide':
        this.#decide(nodeId)
        break
      case 'answer':
        world.answerProposal(nodeId, this.#answers.get(nodeId) as IsrAnswer)
        break
      case 'offline':
        world.step(nodeId, { type: 'offline', reason: first })
        break
      case 'retain':
        world.step(nodeId, { type: 'advanceStart', offset: Number(plain[1]) })
        break
      case 'sync-start':
        world.syncStart(nodeId)
        break
      case 'expire':
        world.step(nodeId, { type: 'expire', produceIds: plain.slice(1).map(Number) })
        break
      case 'offset':
        this.#lines.push(`latest offset of ${nodeId}: ${world.core(nodeId).latestOffset() ?? 'not available'}`)
        break
      case 'state':
        this.#describe()
        break
      default:
        this.#cluster(verb, nodeId)
    }
  }

  /** What happens to processes and in the controller. */
  #cluster(verb: string, nodeId: number): void {
    const { controller } = this.#world
    if (verb === 'crash') this.#world.crash(nodeId)
    else if (verb === 'restart') this.#world.restart(nodeId)
    else if (verb === 'checkpoint') this.#world.checkpoint(nodeId)
    else if (verb === 'fence') controller.fence(nodeId)
    else if (verb === 'unfence') controller.unfence(nodeId)
    else if (verb === 'drain') controller.drain(nodeId)
    else if (verb === 'move') controller.move(nodeId)
    else if (verb === 'unclean') controller.electUnclean(nodeId)
    else if (verb === 'elect') this.#lines.push(this.#world.elect() ? `elected ${controller.state.leader}` : 'nobody can be elected')
    else throw new Error(`unknown command ${verb}`)
  }

  #begin(names: ReadonlyMap<string, string>): void {
    const replicas = (names.get('replicas') ?? '1,2,3').split(',').map(Number)
    this.#world = new World({
      replicas,
      minInSyncReplicas: Number(names.get('min') ?? 2),
      lagTicks: Number(names.get('lag') ?? 8),
      onEffect: (node, effect) => this.#say(node, effect),
    })
  }

  #idsOf(word: string): number[] {
    return word === 'all' ? [...this.#world.nodes.keys()] : [Number(word)]
  }

  #produce(nodeId: number, value: string, names: ReadonlyMap<string, string>): void {
    const acks = names.get('acks') ?? 'all'
    const pid = names.get('pid')
    const producer =
      pid === undefined ? {} : { producerId: Number(pid), baseSequence: Number(names.get('seq') ?? 0), producerEpoch: Number(names.get('epoch') ?? 0) }
    this.#world.produce(
      nodeId,
      this.#nextProduceId++,
      acks === 'all' ? -1 : acks === '1' ? 1 : 0,
      makeBatch(value, producer),
      Number(names.get('leaderEpoch') ?? -1),
    )
  }

  /** `2>1`: the first message from 2 to 1. */
  #take(route: string): Message {
    const [from, to] = route.split('>').map(Number)
    const at = this.#world.messages.findIndex((message) => message.from === from && message.to === to)
    const message = this.#world.messages[at]
    if (message === undefined) throw new Error(`no message ${route}`)
    this.#world.messages.splice(at, 1)
    return message
  }

  #deliver(route: string, keep: boolean): void {
    const message = this.#take(route)
    if (keep) this.#world.messages.unshift(message)
    this.#world.deliver(message)
  }

  /** Among these nodes (none named: all) all messages arrive, all is synced, all metadata applied, until nothing moves; no tick passes. The traffic is left out, unless aloud. */
  #settle(among: readonly number[], aloud: boolean): void {
    const ids = among.length === 0 ? [...this.#world.nodes.keys()] : among
    this.#quiet = !aloud
    for (let round = 0; round < MAX_ROUNDS; round++) {
      for (const id of ids) this.#world.applyAll(id)
      const due = this.#world.messages.filter((message) => ids.includes(message.from) && ids.includes(message.to))
      if (due.length === 0) break
      this.#world.messages = this.#world.messages.filter((message) => !due.includes(message))
      for (const message of due) this.#world.deliver(message)
      for (const id of ids) {
        this.#world.sync(id)
        while (this.#world.node(id).startMoves.length > 0) this.#world.syncStart(id)
      }
    }
    this.#quiet = false
  }

  #hold(nodeId: number): void {
    const { proposal, brokerEpoch } = this.#world.node(nodeId)
    if (proposal === undefined) throw new Error(`node ${nodeId} proposes nothing`)
    this.#proposals.set(nodeId, { proposal, brokerEpoch })
  }

  #decide(nodeId: number): void {
    if (!this.#proposals.has(nodeId) || this.#world.node(nodeId).proposal !== undefined) this.#hold(nodeId)
    const { proposal, brokerEpoch } = this.#proposals.get(nodeId) as { proposal: Proposal; brokerEpoch: number }
    const answer = this.#world.decide(nodeId, proposal, brokerEpoch)
    this.#answers.set(nodeId, answer)
    this.#lines.push(`controller: ${answer.code ?? 'committed'}, isr ${this.#isr()}`)
  }

  #isr(): string {
    const { isr, elr } = this.#world.controller.state
    return `${isr.map((member) => member.nodeId).join(',') || '-'} elr ${elr.join(',') || '-'}`
  }

  #describe(): void {
    const { leader, leaderEpoch } = this.#world.controller.state
    this.#lines.push(`controller: leader ${leader} epoch ${leaderEpoch} isr ${this.#isr()}`)
    for (const { nodeId, core, log } of this.#world.nodes.values()) {
      const values = (core === undefined ? log.durable : log.batches).map((batch) => `${batch.value}@${batch.header.leaderEpoch}`).join(' ')
      if (core === undefined) this.#lines.push(`${nodeId}: down [${values}]`)
      else {
        const start = core.logStartOffset === 0 ? '' : ` start ${core.logStartOffset}`
        this.#lines.push(`${nodeId}: ${core.role} epoch ${core.leaderEpoch}${start} hw ${core.highWatermark} synced ${core.syncedEndOffset} [${values}]`)
      }
    }
  }

  #say(node: TestNode, effect: PartitionEffect): void {
    const line = describe(effect)
    const isTraffic = effect.type === 'sendFetch' || effect.type === 'answerFetch' || effect.type === 'append' || effect.type === 'appendFetched'
    if (line !== undefined && !(this.#quiet && isTraffic)) this.#lines.push(`${node.nodeId}: ${line}`)
  }
}

function describe(effect: PartitionEffect): string | undefined {
  switch (effect.type) {
    case 'append':
      return `append at ${effect.baseOffset} in epoch ${effect.leaderEpoch}`
    case 'appendFetched':
      return `append fetched ${effect.headers.map((header) => `${header.baseOffset}@${header.leaderEpoch}`).join(' ')}`
    case 'truncate':
      return `cut to ${effect.endOffset}`
    case 'produceReply':
      return `reply #${effect.produceId} ${effect.code ?? `offset ${effect.baseOffset}`}${effect.definite ? '' : ' (indefinite)'}`
    case 'answerFetch':
      return describeAnswer(effect)
    case 'sendFetch': {
      const { maxBytes, currentLeaderEpoch, fetchOffset, lastFetchedEpoch, syncedEndOffset } = effect.fetch
      return `${maxBytes === 0 ? 'report' : 'fetch'} to ${effect.to}: epoch ${currentLeaderEpoch} at ${fetchOffset} after epoch ${lastFetchedEpoch}, synced ${syncedEndOffset}`
    }
    case 'proposeIsr':
      return `propose isr ${effect.isr.map((member) => member.nodeId).join(',')} at partition epoch ${effect.partitionEpoch}`
    case 'highWatermark':
      return `high watermark ${effect.offset}`
    case 'advanceStart':
      return `log start ${effect.offset}`
    case 'resetLog':
      return `drop all, go on at ${effect.offset}`
    case 'lowWatermark':
      return `low watermark ${effect.offset}`
    case 'quarantine':
      return `quarantine: ${effect.reason}`
    case 'event':
      return effect.event.type === 'becameLeader' ? `leads epoch ${effect.event.leaderEpoch} from ${effect.event.startOffset}` : undefined
  }
}

function describeAnswer({ to, answer, maxBytes }: Extract<PartitionEffect, { type: 'answerFetch' }>): string {
  const { result, fetchOffset, highWatermark } = answer
  if (result.type === 'error') return `refuse ${to}: ${result.code}`
  if (result.type === 'reset') return `answer ${to}: reset to ${result.offset} after epoch ${result.epoch}`
  if (result.type === 'diverging') return `answer ${to}: diverging, epoch ${result.epoch} ends at ${result.endOffset}`
  return `answer ${to}: ${maxBytes === 0 ? 'noted' : `from ${fetchOffset}`}, high watermark ${highWatermark}`
}
