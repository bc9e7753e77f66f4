import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { MetadataImage } from '../metadata/image.ts'
import type {
  DeletedRecords,
  DeleteRecordsRequest,
  DeleteRecordsResponse,
  ListedOffset,
  ListOffsetsPartition,
  ListOffsetsRequest,
  ListOffsetsResponse,
} from '../wire/api.ts'
import { toApiError } from './api-error.ts'
import { leaderHint } from './leader-hint.ts'
import type { LeaderRecords } from './leader-records.ts'
import type { Replica } from './replica.ts'

const MAX_TIMEOUT_MS = 300_000

export interface LeaderRequestContext {
  readonly image: () => MetadataImage
  readonly find: (topicId: Uuid, partition: number) => Replica | undefined
  readonly knowsTopic: (topicId: Uuid) => boolean
  readonly records: LeaderRecords
}

interface PartitionKey {
  readonly topicId: Uuid
  readonly partition: number
}

/** The replica, if this node leads the partition. `leaderEpoch` −1: whatever it is. Throws as ListOffsets and DeleteRecords say. */
function requireLeader(context: LeaderRequestContext, key: PartitionKey, leaderEpoch: number): Replica {
  const { topicId, partition } = key
  const replica = context.find(topicId, partition)
  if (replica === undefined && !context.knowsTopic(topicId)) throw new BrokerError('UNKNOWN_TOPIC_ID', `no topic has the id ${topicId}`)
  const leader = leaderHint(context.image(), key)
  if (replica === undefined || replica.core.role !== 'leader') throw new BrokerError('NOT_LEADER_OR_FOLLOWER', 'another node leads the partition', { leader })
  const { core } = replica
  if (leaderEpoch >= 0 && leaderEpoch < core.leaderEpoch) throw new BrokerError('FENCED_LEADER_EPOCH', `the leader epoch is ${core.leaderEpoch}`, { leader })
  if (leaderEpoch > core.leaderEpoch) throw new BrokerError('UNKNOWN_LEADER_EPOCH', `leader epoch ${leaderEpoch} is not known here yet`, { leader })
  return replica
}

/** Asks each partition by itself; the answer has them in the order of the request. */
function askEach<Asked, Answer>(
  partitions: readonly Asked[],
  ask: (asked: Asked, answer: (answer: Answer) => void) => void,
  done: (answers: Answer[]) => void,
): void {
  const answers: Answer[] = new Array(partitions.length)
  let missing = partitions.length
  if (missing === 0) done(answers)
  partitions.forEach((asked, at) => {
    ask(asked, (answer) => {
      answers[at] = answer
      missing -= 1
      if (missing === 0) done(answers)
    })
  })
}

export function listOffsets(context: LeaderRequestContext, request: ListOffsetsRequest, done: Done<ListOffsetsResponse>): void {
  askEach<ListOffsetsPartition, ListedOffset>(
    request.partitions,
    (asked, answer) => listOffset(context, asked, answer),
    (partitions) => done(undefined, { partitions }),
  )
}

function listOffset(context: LeaderRequestContext, asked: ListOffsetsPartition, answer: (answer: ListedOffset) => void): void {
  const { topicId, partition, at } = asked
  const failed = (error: unknown): void => answer({ topicId, partition, offset: -1, timestamp: -1, leaderEpoch: -1, error: toApiError(error) })
  try {
    const replica = requireLeader(context, asked, asked.leaderEpoch)
    const { leaderEpoch } = replica.core
    if (typeof at === 'number') {
      context.records.findTimestamp(replica, at, (error, found) => {
        if (error === undefined) answer({ topicId, partition, ...found, leaderEpoch, error: null })
        else failed(error)
      })
      return
    }
    const latest = replica.core.latestOffset()
    if (at === 'latest' && latest === undefined) throw new BrokerError('OFFSET_NOT_AVAILABLE', 'the leader is new; its high watermark is not known yet')
    answer({ topicId, partition, offset: at === 'earliest' ? replica.core.logStartOffset : (latest as number), timestamp: -1, leaderEpoch, error: null })
  } catch (error) {
    failed(error)
  }
}

export function deleteRecords(context: LeaderRequestContext, request: DeleteRecordsRequest, done: Done<DeleteRecordsResponse>): void {
  const timeoutMs = Math.max(1, Math.min(request.timeoutMs, MAX_TIMEOUT_MS))
  askEach<DeleteRecordsRequest['partitions'][number], DeletedRecords>(
    request.partitions,
    ({ topicId, partition, beforeOffset }, answer) => {
      const failed = (error: unknown): void => answer({ topicId, partition, lowWatermark: -1, error: toApiError(error) })
      try {
        context.records.deleteRecords(requireLeader(context, { topicId, partition }, -1), { beforeOffset, timeoutMs }, (error, lowWatermark) => {
          if (error === undefined) answer({ topicId, partition, lowWatermark, error: null })
          else failed(error)
        })
      } catch (error) {
        failed(error)
      }
    },
    (partitions) => done(undefined, { partitions }),
  )
}
