import { describe, expect, it } from 'vitest'
import { maxSizeOf } from '../../src/wire/peer-message-size.ts'
import type { PeerMessage } from '../../src/wire/peer.ts'
import { encodePeerFrame } from '../../src/wire/peer-codec.ts'
import { commands, idA, MAX, peerMessages, quorumOf, replies, status } from './samples.ts'

const MAX_INT32 = 2_147_483_647
/** Of what can be negative: it is doubled on the wire. */
const MAX_SIGNED = 2 ** 52 - 1

function repeat<T>(value: T, count: number): T[] {
  return Array.from({ length: count }, () => value)
}

const long = '€'.repeat(1_000_000)
const ref = { topicId: idA, partition: MAX_INT32 }
const report = { ...ref, partitionEpoch: MAX_INT32, lastEpoch: -MAX_INT32, syncedEndOffset: MAX, suspect: true, damaged: true }
const manyReplicas = repeat(repeat(-1, 10), 1_000)
const command = <T extends (typeof commands)[number]['type']>(type: T): Extract<(typeof commands)[number], { readonly type: T }> =>
  commands.find((one): one is Extract<(typeof commands)[number], { readonly type: T }> => one.type === type)!
const { address } = command('register')
const { proposal } = command('alterPartition')

/** Each way in which a message grows, far beyond what is around it. */
const large: readonly PeerMessage[] = [
  { type: 'raft', message: { type: 'append', term: MAX, startOffset: MAX, previousTerm: MAX_SIGNED, commitIndex: MAX, entries: [] }, status: null },
  {
    type: 'raft',
    message: {
      type: 'append',
      term: MAX,
      startOffset: MAX,
      previousTerm: MAX_SIGNED,
      commitIndex: MAX,
      entries: repeat({ term: MAX, bytes: Buffer.alloc(99_999) }, 50),
    },
    status: { ...status, brokerEpoch: MAX_SIGNED, appliedOffset: MAX, wantsShutdown: true, deadLogs: repeat(ref, 9_999), leaderless: repeat(report, 1_000) },
  },
  {
    type: 'raft',
    message: { type: 'snapshotChunk', term: MAX, endOffset: MAX, lastTerm: MAX, sizeBytes: MAX, position: MAX, bytes: Buffer.alloc(999_999) },
    status: null,
  },
  { type: 'command', requestId: MAX, command: { ...command('register'), nodeId: MAX_INT32, damaged: repeat(ref, 9_999) } },
  { type: 'command', requestId: MAX, command: { ...command('register'), directoryIds: repeat(idA, 9_999), address: { ...address, host: long, rack: long } } },
  {
    type: 'command',
    requestId: MAX,
    command: { ...command('alterPartition'), brokerEpoch: MAX, proposal: { ...proposal, isr: repeat({ nodeId: MAX_INT32, brokerEpoch: MAX }, 999) } },
  },
  { type: 'command', requestId: MAX, command: { ...command('createTopic'), name: long, partitions: -1, replicationFactor: -1 } },
  { type: 'command', requestId: MAX, command: { ...command('createTopic'), assignment: manyReplicas } },
  { type: 'command', requestId: MAX, command: { ...command('createTopic'), assignment: repeat([], 9_999) } },
  {
    type: 'command',
    requestId: MAX,
    command: { ...command('createTopic'), configs: new Map([...repeat('', 999).entries()].map(([at]) => [`k${at}`, `${at}`])) },
  },
  { type: 'commandReply', requestId: MAX, reply: { type: 'topicCreated', topicId: idA, partitions: 1_000, replicationFactor: 10, assignment: manyReplicas } },
  { type: 'commandReply', requestId: MAX, reply: { type: 'error', code: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', message: long, definite: true } },
  { type: 'quorumDescription', requestId: MAX, quorum: quorumOf(2_000) },
]

describe('the size of a peer message', () => {
  it('is never told below what goes on the wire: what fits the limit by it, fits gRPC', () => {
    expect(replies.length + commands.length).toBeLessThan(peerMessages.length)
    for (const message of [...peerMessages, ...large]) {
      const sizeBytes = encodePeerFrame({ hello: null, messages: [message] }).byteLength
      expect(maxSizeOf(message), JSON.stringify(message).slice(0, 100)).toBeGreaterThanOrEqual(sizeBytes)
    }
  })

  it('is about right for what is large by its bytes', () => {
    const message: PeerMessage = { type: 'command', requestId: 1, command: { ...command('createTopic'), name: long } }
    expect(maxSizeOf(message) / encodePeerFrame({ hello: null, messages: [message] }).byteLength).toBeCloseTo(1, 2)
  })
})
