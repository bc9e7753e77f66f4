import { describe, expect, it } from 'vitest'
import { answerMetadata, ImageWaiters } from '../../src/broker/queries.ts'
import { Topics } from '../../src/broker/topics.ts'
import type { ControllerReply } from '../../src/controller/commands.ts'
import type { CreateTopicRequest } from '../../src/wire/api.ts'
import { partition, topicId } from '../metadata/fixtures.ts'
import { type Asked, BrokerBench } from './harness.ts'

class Desk {
  readonly bench = new BrokerBench()
  readonly waiters = new ImageWaiters(this.bench.clock)
  readonly topics = new Topics({ controllerClient: this.bench.controllerClient, waiters: this.waiters, image: () => this.bench.image })
  readonly outcomes: unknown[] = []

  constructor() {
    this.bench.begin()
  }

  create(changes: Partial<CreateTopicRequest> = {}): Asked {
    const request: CreateTopicRequest = {
      name: 'orders',
      topicId: topicId(1),
      partitions: 1,
      replicationFactor: 2,
      assignment: null,
      configs: new Map(),
      validateOnly: false,
      timeoutMs: 1000,
      ...changes,
    }
    this.topics.create(request, (error, value) => this.note(error, value))
    return this.bench.asked.at(-1)!
  }

  readonly note = (error: Error | undefined, value: unknown): void => {
    this.outcomes.push(
      error === undefined ? (value ?? 'done') : { code: (error as { code?: string }).code, definite: (error as { definite?: boolean }).definite },
    )
  }

  apply(...given: Parameters<BrokerBench['apply']>): void {
    this.bench.apply(...given)
    this.waiters.applied()
  }
}

const created: ControllerReply = { type: 'topicCreated', topicId: topicId(1), partitions: 1, replicationFactor: 2, assignment: [[1, 2]] }

describe('topics', () => {
  it('R5.9: creation is answered when every partition has a leader here', () => {
    const desk = new Desk()
    desk.create().done(created)
    desk.apply(desk.bench.topicRecords(1, 'orders', { leader: -1, isr: [], elr: [1, 2] }))
    desk.bench.run(900)
    expect(desk.outcomes).toEqual([])
    const state = partition({ leaderEpoch: 1, partitionEpoch: 1, leaderGrantedOffset: desk.bench.image.offset })
    desk.apply([{ type: 'partition', state }])
    expect(desk.outcomes).toEqual([{ topicId: topicId(1), partitions: 1, replicationFactor: 2, assignment: [[1, 2]] }])
    desk.bench.run(2000)
    expect(desk.outcomes).toHaveLength(1)
  })

  it('R1.3: without leaders in time it is indefinite; what is only validated waits for nothing; refusals keep what they say', () => {
    const desk = new Desk()
    desk.create().done(created)
    desk.bench.run(1001)
    desk.create({ validateOnly: true }).done(created)
    desk.create().done({ type: 'error', code: 'TOPIC_ALREADY_EXISTS', message: '', definite: true })
    desk.create().done({ type: 'error', code: 'REQUEST_TIMED_OUT', message: '', definite: false })
    expect(desk.outcomes).toEqual([
      { code: 'REQUEST_TIMED_OUT', definite: false },
      expect.objectContaining({ topicId: topicId(1) }),
      { code: 'TOPIC_ALREADY_EXISTS', definite: true },
      { code: 'REQUEST_TIMED_OUT', definite: false },
    ])
  })

  it('deletion is answered when it is applied here; one that an earlier attempt did counts as done', () => {
    const desk = new Desk()
    const remove = (number: number): Asked => {
      desk.topics.delete({ topicId: topicId(number), timeoutMs: 1000 }, desk.note)
      return desk.bench.asked.at(-1)!
    }
    const unknown: ControllerReply = { type: 'error', code: 'UNKNOWN_TOPIC_ID', message: '', definite: true }
    desk.apply(desk.bench.topicRecords(1, 'orders'))
    remove(1).done(unknown)
    desk.bench.run(10)
    expect(desk.outcomes).toEqual([])
    desk.apply([{ type: 'topicDeleted', topicId: topicId(1) }])
    expect(desk.outcomes).toEqual(['done'])
    remove(2).done(unknown)
    expect(desk.outcomes).toEqual(['done', { code: 'UNKNOWN_TOPIC_ID', definite: true }])
  })

  it('producer ids come from one block after the other, each once, whoever asks meanwhile', () => {
    const desk = new Desk()
    for (let at = 0; at < 3; at++) desk.topics.createProducerId(desk.note)
    expect(desk.bench.asked).toHaveLength(1)
    desk.bench.asked[0]!.done({ type: 'producerIds', firstProducerId: 40, count: 2 })
    expect(desk.bench.asked).toHaveLength(2)
    desk.bench.asked[1]!.done({ type: 'producerIds', firstProducerId: 90, count: 2 })
    desk.topics.createProducerId(desk.note)
    expect(desk.outcomes.map((outcome) => (outcome as { producerId: number }).producerId)).toEqual([40, 41, 90, 91])
    desk.topics.createProducerId(desk.note)
    desk.bench.asked[2]!.done({ type: 'error', code: 'REQUEST_TIMED_OUT', message: '', definite: false })
    expect(desk.outcomes[4]).toEqual({ code: 'REQUEST_TIMED_OUT', definite: false })
    desk.topics.createProducerId(desk.note)
    expect(desk.bench.asked).toHaveLength(4)
  })
})

describe('alterTopic and electLeaders', () => {
  const request = {
    topicId: topicId(1),
    partitions: 2,
    assignment: null,
    set: new Map([['retention.ms', '5']]),
    delete: [],
    validateOnly: false,
    timeoutMs: 1000,
  }
  const info = { name: 'orders', topicId: topicId(1) }

  it('the change is answered once this node has applied it, as it then is here', () => {
    const desk = new Desk()
    desk.apply(desk.bench.topicRecords(1, 'orders'))
    desk.topics.alter(request, desk.note)
    const asked = desk.bench.asked.at(-1)!
    expect(asked.command).toEqual({
      type: 'alterTopic',
      topicId: topicId(1),
      partitions: 2,
      assignment: null,
      set: request.set,
      delete: [],
      validateOnly: false,
    })
    const { offset } = desk.bench.image
    asked.done({ type: 'topicAltered', metadataOffset: offset + 1, added: [[2, 1]], configs: request.set })
    desk.bench.run(10)
    expect(desk.outcomes).toEqual([])
    const state = partition({ partition: 1, replicas: [2, 1], leader: 2, leaderGrantedOffset: offset })
    desk.apply([
      { type: 'topicConfig', topicId: topicId(1), key: 'retention.ms', value: '5' },
      { type: 'partition', state },
    ])
    expect(desk.outcomes).toEqual([
      {
        ...info,
        configs: request.set,
        partitions: [
          { partition: 0, leader: 1, leaderEpoch: 0, replicas: [1, 2], isr: [1, 2], elr: [], addingReplicas: [], removingReplicas: [] },
          { partition: 1, leader: 2, leaderEpoch: 0, replicas: [2, 1], isr: [1, 2], elr: [], addingReplicas: [], removingReplicas: [] },
        ],
      },
    ])
  })

  it('what is only validated is answered as it would be; a deletion meanwhile and time that ran out are indefinite', () => {
    const desk = new Desk()
    desk.apply(desk.bench.topicRecords(1, 'orders'))
    const alter = (validateOnly: boolean): Asked => {
      desk.topics.alter({ ...request, validateOnly }, desk.note)
      return desk.bench.asked.at(-1)!
    }
    const { offset } = desk.bench.image
    alter(true).done({ type: 'topicAltered', metadataOffset: offset, added: [[2, 1]], configs: request.set })
    desk.bench.run(1)
    expect(desk.outcomes).toEqual([
      {
        ...info,
        configs: request.set,
        partitions: [
          expect.objectContaining({ partition: 0 }),
          { partition: 1, leader: -1, leaderEpoch: 0, replicas: [2, 1], isr: [], elr: [], addingReplicas: [], removingReplicas: [] },
        ],
      },
    ])
    const late = alter(false)
    late.done({ type: 'topicAltered', metadataOffset: offset + 2, added: [], configs: new Map() })
    desk.bench.run(1001)
    alter(false).done({ type: 'topicAltered', metadataOffset: offset + 1, added: [], configs: new Map() })
    desk.apply([{ type: 'topicDeleted', topicId: topicId(1) }])
    alter(false).done({ type: 'error', code: 'INVALID_PARTITIONS', message: '', definite: true })
    expect(desk.outcomes.slice(1)).toEqual([
      { code: 'REQUEST_TIMED_OUT', definite: false },
      { code: 'UNKNOWN_TOPIC_ID', definite: false },
      { code: 'INVALID_PARTITIONS', definite: true },
    ])
  })

  it('an election is answered a partition each, once the new leaders are known here', () => {
    const desk = new Desk()
    desk.apply(desk.bench.topicRecords(1, 'orders'))
    const ref = { topicId: topicId(1), partition: 0 }
    desk.topics.electLeaders({ partitions: [ref], unclean: true, validateOnly: true, metadataOffset: null, timeoutMs: 1000 }, desk.note)
    const { asked, image } = desk.bench
    expect(asked.at(-1)!.command).toEqual({ type: 'electLeaders', unclean: true, partitions: [ref], validateOnly: true, metadataOffset: image.offset })
    const partitions = [
      { ...ref, elected: { nodeId: 1, lastEpoch: 4, logEndOffset: 7 }, error: null },
      { ...ref, partition: 9, elected: null, error: { code: 'ELECTION_NOT_NEEDED', message: 'broker 1 leads already' } as const },
    ]
    asked.at(-1)!.done({ type: 'leadersElected', metadataOffset: image.offset + 1, partitions })
    desk.bench.run(10)
    expect(desk.outcomes).toEqual([])
    desk.apply([{ type: 'topicConfig', topicId: topicId(1), key: 'retention.ms', value: '5' }])
    expect(desk.outcomes).toMatchObject([
      {
        partitions: [
          { ...ref, elected: { nodeId: 1, lastEpoch: 4, logEndOffset: 7 }, error: null },
          { partition: 9, elected: null, error: { code: 'ELECTION_NOT_NEEDED', retriable: false, definite: true } },
        ],
        metadataOffset: image.offset + 1,
      },
    ])
    // What the caller went by is older than what is known here.
    desk.topics.electLeaders({ partitions: [ref], unclean: true, validateOnly: false, metadataOffset: 2, timeoutMs: 1000 }, desk.note)
    expect(asked.at(-1)!.command).toMatchObject({ type: 'electLeaders', metadataOffset: 2 })
  })

  it('a move is answered a partition each, once it is known here', () => {
    const desk = new Desk()
    desk.apply(desk.bench.topicRecords(1, 'orders'))
    const ref = { topicId: topicId(1), partition: 0 }
    const moves = [{ ...ref, replicas: [2, 1] }]
    desk.topics.alterReassignments({ partitions: moves, bytesPerSecond: 4096, validateOnly: false, timeoutMs: 1000 }, desk.note)
    const { asked, image } = desk.bench
    expect(asked.at(-1)!.command).toEqual({ type: 'alterReassignments', moves, bytesPerSecond: 4096, validateOnly: false })
    const partitions = [{ ...ref, error: { code: 'INVALID_REPLICA_ASSIGNMENT', message: 'there is no broker 2' } as const }]
    asked.at(-1)!.done({ type: 'reassignmentsAltered', metadataOffset: image.offset + 1, partitions })
    desk.bench.run(10)
    expect(desk.outcomes).toEqual([])
    desk.apply([{ type: 'topicConfig', topicId: topicId(1), key: 'retention.ms', value: '5' }])
    expect(desk.outcomes).toMatchObject([{ partitions: [{ ...ref, error: { code: 'INVALID_REPLICA_ASSIGNMENT', definite: true } }] }])
  })
})

describe('R1.3 the controller hears a command again, whose first copy it has done', () => {
  const ref = { topicId: topicId(1), partition: 0 }

  it.each([
    ['elected', [], [{ ...ref, elected: { nodeId: 2, lastEpoch: -1, logEndOffset: -1 }, error: null }]],
    ['led already', [2], [{ ...ref, elected: null, error: { code: 'ELECTION_NOT_NEEDED' } }]],
  ] as const)('a leader: %s', (_name, [leader = -1], partitions) => {
    const desk = new Desk()
    desk.apply(desk.bench.topicRecords(1, 'orders', { leader }))
    desk.topics.electLeaders({ partitions: [ref], unclean: true, validateOnly: false, metadataOffset: null, timeoutMs: 1000 }, desk.note)
    const { asked, image } = desk.bench
    desk.apply([{ type: 'partition', state: partition({ leader: 2, leaderEpoch: 1, partitionEpoch: 1, leaderGrantedOffset: image.offset }) }])
    const refused = [{ ...ref, elected: null, error: { code: 'ELECTION_NOT_NEEDED', message: 'broker 2 leads already' } as const }]
    asked.at(-1)!.done({ type: 'leadersElected', metadataOffset: desk.bench.image.offset, partitions: refused })
    desk.bench.run(10)
    expect(desk.outcomes).toMatchObject([{ partitions }])
  })

  it.each([
    ['taken back', [1, 2], [{ ...ref, error: null }]],
    ['at its end', [1, 3], [{ ...ref, error: { code: 'NO_REASSIGNMENT_IN_PROGRESS' } }]],
  ] as const)('a move: %s', (_name, replicas, partitions) => {
    const desk = new Desk()
    const reassignment = { from: [1, 2], to: [1, 3], bytesPerSecond: null }
    desk.apply(desk.bench.topicRecords(1, 'orders', { replicas: [1, 2, 3], reassignment }))
    desk.topics.alterReassignments({ partitions: [{ ...ref, replicas: null }], bytesPerSecond: null, validateOnly: false, timeoutMs: 1000 }, desk.note)
    const isr = [{ nodeId: 1, brokerEpoch: 1 }]
    desk.apply([{ type: 'partition', state: partition({ replicas, isr, partitionEpoch: 1, leaderGrantedOffset: 5 }) }])
    const refused = [{ ...ref, error: { code: 'NO_REASSIGNMENT_IN_PROGRESS', message: 'the partition is not being moved' } as const }]
    desk.bench.asked.at(-1)!.done({ type: 'reassignmentsAltered', metadataOffset: desk.bench.image.offset, partitions: refused })
    desk.bench.run(10)
    expect(desk.outcomes).toMatchObject([{ partitions }])
  })
})

describe('image waiters', () => {
  it('R4.6: metadata waits for the offset that was asked for, and no longer than 5 s', () => {
    const desk = new Desk()
    const { bench } = desk
    const context = { clock: bench.clock, image: () => bench.image, leaderId: () => 1, isConnected: () => true, isCaughtUp: () => true }
    const ask = (minOffset: number): void =>
      answerMetadata(context, desk.waiters, { topics: ['orders', 'nothing'], minOffset }, (error, value) =>
        desk.note(error, error === undefined ? [value.metadataOffset, value.topics.map((topic) => topic.name), value.missing] : undefined),
      )
    const now = bench.image.offset
    ask(now)
    expect(desk.outcomes).toEqual([])
    bench.run(1)
    ask(now + 1)
    ask(now + 2)
    desk.apply(bench.topicRecords(1, 'orders'))
    expect(desk.outcomes).toEqual([
      [now, [], ['orders', 'nothing']],
      [now + 1, ['orders'], ['nothing']],
    ])
    bench.run(5_000)
    expect(desk.outcomes[2]).toEqual({ code: 'REQUEST_TIMED_OUT', definite: false })
    desk.apply([{ type: 'topicDeleted', topicId: topicId(1) }])
    expect(desk.outcomes).toHaveLength(3)
  })

  it('R4.6: as long as this node has not learned what the cluster has decided no topic is missing: the question waits, at most 1.5 s', () => {
    const desk = new Desk()
    const { bench } = desk
    let isCaughtUp = false
    const context = { clock: bench.clock, image: () => bench.image, leaderId: () => 1, isConnected: () => true, isCaughtUp: () => isCaughtUp }
    const ask = (): void =>
      answerMetadata(context, desk.waiters, { topics: ['orders'], minOffset: 0 }, (error, value) => desk.note(error, value && [value.topics.length]))
    ask()
    bench.run(1_501)
    expect(desk.outcomes).toEqual([{ code: 'LEADER_NOT_AVAILABLE', definite: true }])
    ask()
    desk.apply(bench.topicRecords(1, 'orders'))
    expect(desk.outcomes).toHaveLength(1)
    isCaughtUp = true
    desk.waiters.applied()
    bench.run(1)
    expect(desk.outcomes[1]).toEqual([1])
  })

  it('metadata tells of a topic once, however often it is named', () => {
    const desk = new Desk()
    const { bench } = desk
    desk.apply(bench.topicRecords(1, 'orders'))
    const context = { clock: bench.clock, image: () => bench.image, leaderId: () => 1, isConnected: () => true, isCaughtUp: () => true }
    answerMetadata(context, desk.waiters, { topics: ['orders', 'nothing', 'orders', 'nothing'], minOffset: 0 }, (error, value) =>
      desk.note(error, [value.topics.map((topic) => topic.name), value.missing]),
    )
    bench.run(1)
    expect(desk.outcomes).toEqual([[['orders'], ['nothing']]])
  })
})
