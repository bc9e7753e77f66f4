import { BrokerError, type Code, type LeaderHint } from '../../src/base/errors.ts'
import type { Broker, BrokerSession } from '../../src/broker/api.ts'
import type {
  AlterMaintenanceRequest,
  AlterReassignmentsRequest,
  AlterReplicaLogDirsRequest,
  AlterTopicRequest,
  CreateTopicRequest,
  DeleteRecordsRequest,
  DeleteTopicRequest,
  DescribeConfigsRequest,
  DigestBatchesRequest,
  ElectLeadersRequest,
  FetchRequest,
  ListOffsetsRequest,
  LogLevelDescription,
  MetadataRequest,
  ProduceRequest,
  UnregisterBrokerRequest,
  VoterRequest,
} from '../../src/wire/api.ts'
import type { ConnectionEnd } from './network.ts'
import type { UnansweredProduce } from './unanswered-produce.ts'

export type UnaryMethod = Exclude<keyof Broker, 'openSession'>

export interface WireError {
  readonly code: Code
  readonly detail: string
  readonly definite: boolean
  readonly leader: LeaderHint | undefined
}

/** What travels between a client and a node: calls and streams of one connection, told apart by `id`. */
export type ClientFrame =
  | { readonly type: 'call'; readonly id: number; readonly method: UnaryMethod; readonly request: unknown }
  | { readonly type: 'reply'; readonly id: number; readonly error: WireError | null; readonly response: unknown }
  | { readonly type: 'open'; readonly id: number; readonly stream: 'produce' | 'fetch' }
  | { readonly type: 'request'; readonly id: number; readonly request: unknown }
  | { readonly type: 'response'; readonly id: number; readonly response: unknown }
  | { readonly type: 'close'; readonly id: number }

interface ServerStream {
  readonly stream: 'produce' | 'fetch'
  readonly session: BrokerSession
  readonly unread: unknown[]
  /** Bytes of produce requests without an answer. */
  unansweredBytes: number
  /** Waits for its node to resume. */
  paused: boolean
}

/** The listener of a simulated node: it brings what clients say to `Broker`, and nothing else. One session a stream. */
export function serveClient(end: ConnectionEnd, broker: Broker, unanswered: UnansweredProduce): void {
  const streams = new Map<number, ServerStream>()
  const read = (id: number, state: ServerStream): void => {
    if (state.paused) return
    while (!state.session.paused) {
      const request = state.unread.shift()
      if (request === undefined) return
      const reply = (response: unknown): void => {
        if (streams.get(id) === state) end.send({ type: 'response', id, response } satisfies ClientFrame)
      }
      if (state.stream === 'produce') produce(state, request as ProduceRequest, reply)
      else state.session.fetch(request as FetchRequest, reply)
    }
    state.paused = true
    state.session.onResume(() => {
      state.paused = false
      read(id, state)
    })
  }
  const settle = (state: ServerStream, sizeBytes: number): void => {
    state.unansweredBytes -= sizeBytes
    unanswered.answered(sizeBytes)
  }
  const produce = (state: ServerStream, request: ProduceRequest, reply: (response: unknown) => void): void => {
    const sizeBytes = request.acks === 0 ? 0 : request.partitions.reduce((sum, { batch }) => sum + batch.length, 0)
    state.unansweredBytes += sizeBytes
    unanswered.read(sizeBytes)
    state.session.produce(request, (response) => {
      settle(state, sizeBytes)
      reply(response)
    })
  }
  const close = (state: ServerStream): void => {
    state.session.close()
    settle(state, state.unansweredBytes)
  }
  const open = (id: number, stream: 'produce' | 'fetch'): void => {
    streams.set(id, { stream, session: broker.openSession(), unread: [], unansweredBytes: 0, paused: false })
  }
  end.onMessage((message) => {
    const frame = message as ClientFrame
    const state = streams.get(frame.id)
    if (frame.type === 'call') {
      call(broker, frame.method, frame.request, (error, response) => {
        const wireError = error === undefined ? null : toWireError(error)
        end.send({ type: 'reply', id: frame.id, error: wireError, response: wireError === null ? response : null } satisfies ClientFrame)
      })
    } else if (frame.type === 'open') open(frame.id, frame.stream)
    else if (frame.type === 'request' && state !== undefined) {
      state.unread.push(frame.request)
      read(frame.id, state)
    } else if (frame.type === 'close' && state !== undefined) {
      streams.delete(frame.id)
      close(state)
    }
  })
  end.onClose(() => {
    for (const state of streams.values()) close(state)
    streams.clear()
  })
}

function call(broker: Broker, method: UnaryMethod, request: unknown, done: (error: Error | undefined, value: unknown) => void): void {
  switch (method) {
    case 'metadata':
      broker.metadata(request as MetadataRequest, done)
      return
    case 'listOffsets':
      broker.listOffsets(request as ListOffsetsRequest, done)
      return
    case 'createTopic':
      broker.createTopic(request as CreateTopicRequest, done)
      return
    case 'deleteTopic':
      broker.deleteTopic(request as DeleteTopicRequest, done)
      return
    case 'createProducerId':
      broker.createProducerId(done)
      return
    case 'describeCluster':
      broker.describeCluster(done)
      return
    case 'describeQuorum':
      broker.describeQuorum(done)
      return
    case 'alterTopic':
      broker.alterTopic(request as AlterTopicRequest, done)
      return
    case 'describeConfigs':
      broker.describeConfigs(request as DescribeConfigsRequest, done)
      return
    case 'electLeaders':
      broker.electLeaders(request as ElectLeadersRequest, done)
      return
    case 'addVoter':
      broker.addVoter(request as VoterRequest, done)
      return
    case 'removeVoter':
      broker.removeVoter(request as VoterRequest, done)
      return
    case 'alterMaintenance':
      broker.alterMaintenance(request as AlterMaintenanceRequest, done)
      return
    case 'unregisterBroker':
      broker.unregisterBroker(request as UnregisterBrokerRequest, done)
      return
    case 'alterReassignments':
      broker.alterReassignments(request as AlterReassignmentsRequest, done)
      return
    case 'deleteRecords':
      broker.deleteRecords(request as DeleteRecordsRequest, done)
      return
    case 'alterReplicaLogDirs':
      broker.alterReplicaLogDirs(request as AlterReplicaLogDirsRequest, done)
      return
    case 'describeLogDirs':
      broker.describeLogDirs(done)
      return
    case 'digestBatches':
      broker.digestBatches(request as DigestBatchesRequest, done)
      return
    case 'getLogLevel':
      broker.getLogLevel(done)
      return
    case 'setLogLevel':
      broker.setLogLevel(request as LogLevelDescription, done)
  }
}

function toWireError(error: Error): WireError {
  if (error instanceof BrokerError) return { code: error.code, detail: error.detail, definite: error.definite, leader: error.leader }
  throw error
}

/** The error as the client sees it; `definite` never grows on the way (rules R1.3). */
export function fromWireError(error: WireError): BrokerError {
  return new BrokerError(error.code, error.detail, error.definite ? { leader: error.leader } : { definite: false, leader: error.leader })
}
