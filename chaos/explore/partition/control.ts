import type { ControllerCommand, ControllerReply, InternalCommand } from '../../../src/controller/commands.ts'
import { handle } from '../../../src/controller/controller.ts'
import { effectiveMinInSyncReplicas } from '../../../src/controller/configs.ts'
import { electByReports } from '../../../src/controller/elections.ts'
import type { QuorumView } from '../../../src/controller/quorum-view.ts'
import { Sessions } from '../../../src/controller/sessions.ts'
import type { BrokerStatus } from '../../../src/controller/status.ts'
import { applyEntries } from '../../../src/metadata/apply.ts'
import { emptyImage, type MetadataImage } from '../../../src/metadata/image.ts'
import type { MetadataRecord, PartitionState } from '../../../src/metadata/records.ts'
import type { ReplicaBroker } from '../../../src/replication/effects.ts'
import { checkIsrMembers } from '../../check/isr-members.ts'
import { copyGraph, freeze, Numbered, textOf } from '../object-graph.ts'
import { directoryId, incarnationId, type AssignInput } from './replica.ts'

/** The active controller: the image with all that it decided, and its sessions. Everybody else learns the same images, later. */
export interface Control {
  readonly image: MetadataImage
  readonly sessions: Sessions
}

export interface Decided {
  readonly control: number
  /** It decided something: there is a new image. */
  readonly isEntry: boolean
  readonly reply: ControllerReply
}

const TOPIC_ID = 'f'.repeat(32)
export const REF = { topicId: TOPIC_ID, partition: 0 } as const
/** Nobody asks for voters here. */
const NO_QUORUM: QuorumView = { node: () => undefined, liveVoterIds: [], newcomerRefusal: () => undefined, refusal: () => undefined }
const ADDRESS = { host: 'h', grpcPort: 1, kafkaPort: null, httpPort: null, rack: null }
const NO_LIMITS = {
  maxMessageBytes: 1_000_000,
  timestamps: { type: 'CreateTime', beforeMaxMs: Number.MAX_SAFE_INTEGER, afterMaxMs: Number.MAX_SAFE_INTEGER },
} as const

/** The real controller, in all states that come up, by number. What it appends is committed at once: what would be lost is as if it was not asked for. */
export class Controls {
  readonly #controls = new Numbered<Control>()
  readonly #images = new Numbered<MetadataImage>()
  readonly #decided = new Map<string, Decided>()
  readonly #reduced: boolean

  constructor({ reduced }: { readonly reduced: boolean }) {
    this.#reduced = reduced
  }

  get(number: number): Control {
    return this.#controls.get(number)
  }

  imageNumber(image: MetadataImage): number {
    return this.#images.number(textOf(image), () => image)
  }

  image(number: number): MetadataImage {
    return this.#images.get(number)
  }

  /** One topic of one partition on all of `nodeIds`, each registered, unfenced and in sync. */
  begin(nodeIds: readonly number[]): number {
    let control = this.#number({ image: freezeImage(emptyImage), sessions: new Sessions({ nodeId: 0 }) })
    for (const nodeId of nodeIds) {
      control = this.decide(control, registration({ nodeId, incarnation: 0, directory: 0 }, false)).control
      const { image } = this.get(control)
      control = this.#hear(control, nodeId, statusOf(image, nodeId, []))
      control = this.decide(control, { type: 'unfence', nodeId, brokerEpoch: image.offset - 1 }).control
    }
    const create = { type: 'createTopic', name: 't', partitions: -1, replicationFactor: -1, configs: new Map(), validateOnly: false } as const
    return this.decide(control, { ...create, topicId: TOPIC_ID, assignment: [nodeIds] }).control
  }

  decide(number: number, command: ControllerCommand | InternalCommand): Decided {
    const key = `${number} ${textOf(command)}`
    let decided = this.#decided.get(key)
    if (decided === undefined) this.#decided.set(key, (decided = this.#decide(number, command)))
    return decided
  }

  /** A status arrives. */
  hear(number: number, nodeId: number, status: BrokerStatus): number {
    const key = `${number} ${nodeId} ${textOf(status)}`
    let decided = this.#decided.get(key)
    if (decided === undefined) this.#decided.set(key, (decided = { control: this.#hear(number, nodeId, status), isEntry: false, reply: { type: 'done' } }))
    return decided.control
  }

  /** Another voter becomes the active controller: with all that is committed, and nothing that was only heard. */
  failOver(number: number): number {
    const { image } = this.get(number)
    const sessions = new Sessions({ nodeId: 0 })
    sessions.step({ type: 'image', image })
    return this.#number({ image, sessions })
  }

  /** Whether reports allow an election now. */
  canElect(number: number): boolean {
    const { image, sessions } = this.get(number)
    const state = partitionOf(image)
    return state.leader === -1 && electByReports(state, { image, sessions: sessions.view() }).leader !== -1
  }

  #decide(number: number, command: ControllerCommand | InternalCommand): Decided {
    const { image, sessions } = this.get(number)
    const defaults = { minInSyncReplicas: null }
    const { records, reply } = handle(command, { image, offset: image.offset, nowMs: 0, defaults, sessions: sessions.view(), quorum: NO_QUORUM })
    if (records.length === 0) return { control: number, isEntry: false, reply }
    return { control: this.#append({ image, sessions }, records), isEntry: true, reply }
  }

  #append({ image, sessions }: Control, records: readonly MetadataRecord[]): number {
    const { image: after, delta } = applyEntries(image, [{ offset: image.offset, records }])
    checkIsrMembers(after)
    const next = copyGraph(sessions)
    next.step({ type: 'image', image: freezeImage(after), delta })
    return this.#number({ image: after, sessions: next })
  }

  #hear(number: number, nodeId: number, status: BrokerStatus): number {
    const { image, sessions } = this.get(number)
    const next = copyGraph(sessions)
    next.step({ type: 'heard', nodeId, status: freeze(status) })
    return this.#number({ image, sessions: next })
  }

  /**
   * What its sessions would ask for, and since when they wait, is forgotten: when a command is given, the exploration decides. Then they are read only by what
   * `handle` asks of them (SessionsView): of what a broker has applied, whether its own registration is part of it. How much more it is is forgotten too.
   */
  #number(control: Control): number {
    const { _sessions, _leaderless } = control.sessions as unknown as OpenedSessions
    for (const session of _sessions.values()) {
      session._asked.clear()
      if (!this.#reduced) continue
      const { brokerEpoch, _appliedOffset } = session
      Object.assign(session, { withdrawnOffset: null, _appliedOffset: _appliedOffset > brokerEpoch ? brokerEpoch + 1 : -1 })
    }
    for (const item of _leaderless._items.values()) Object.assign(item, { choosing: null, askedTicks: 0 })
    return this.#controls.number(textOf(control), () => control)
  }
}

interface OpenedSessions {
  readonly _sessions: ReadonlyMap<number, { readonly brokerEpoch: number; readonly _appliedOffset: number; readonly _asked: Map<string, number> }>
  readonly _leaderless: { readonly _items: ReadonlyMap<string, object> }
}

function freezeImage(image: MetadataImage): MetadataImage {
  return freeze(image)
}

export function partitionOf(image: MetadataImage): PartitionState {
  return image.topics.get(TOPIC_ID)?.partitions[0] as PartitionState
}

export function minInSyncReplicasOf(image: MetadataImage): number {
  return effectiveMinInSyncReplicas(image.topics.get(TOPIC_ID)?.configs ?? new Map(), partitionOf(image).replicas.length)
}

type Process = Parameters<typeof incarnationId>[0] & Parameters<typeof directoryId>[0]

export function registration(process: Process, damaged: boolean): ControllerCommand {
  return {
    type: 'register',
    nodeId: process.nodeId,
    incarnationId: incarnationId(process),
    directoryIds: [directoryId(process)],
    address: ADDRESS,
    damaged: damaged ? [REF] : [],
    standing: null,
  }
}

/** Of a broker that has applied all of `image`; `leaderless`: what it says of the partition while nobody leads it. */
export function statusOf(image: MetadataImage, nodeId: number, leaderless: BrokerStatus['leaderless']): BrokerStatus {
  const broker = image.brokers.get(nodeId)
  return {
    incarnationId: broker?.incarnationId ?? '',
    brokerEpoch: broker?.brokerEpoch ?? -1,
    appliedOffset: image.offset,
    wantsShutdown: false,
    diskLow: false,
    deadLogs: [],
    leaderless,
  }
}

/** What the driver of a replica tells its machine of an image (src/broker/partitions). */
export function assignmentOf(image: MetadataImage): AssignInput {
  const state = partitionOf(image)
  const brokers = new Map<number, ReplicaBroker>()
  for (const nodeId of state.replicas) {
    const broker = image.brokers.get(nodeId)
    if (broker !== undefined) brokers.set(nodeId, { brokerEpoch: broker.brokerEpoch, fenced: broker.fenced, draining: broker.draining })
  }
  return { type: 'assign', state, brokers, minInSyncReplicas: minInSyncReplicasOf(image), ...NO_LIMITS }
}
