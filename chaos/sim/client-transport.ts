import { BrokerError } from '../../src/base/errors.ts'
import type { Done } from '../../src/base/done.ts'
import type { ClientConnection, ClientStream, ClientTransport, NodeAddress, StreamHandlers } from '../../src/client/transport.ts'
import type {
  AlterMaintenanceRequest,
  AlterReassignmentsRequest,
  AlterReassignmentsResponse,
  AlterReplicaLogDirsRequest,
  AlterReplicaLogDirsResponse,
  AlterTopicRequest,
  BatchDigests,
  BrokerDescription,
  ClusterDescription,
  CreateProducerIdResponse,
  CreateTopicRequest,
  CreateTopicResponse,
  DeleteRecordsRequest,
  DeleteRecordsResponse,
  DeleteTopicRequest,
  DescribeConfigsRequest,
  DescribeConfigsResponse,
  DigestBatchesRequest,
  ElectLeadersRequest,
  ElectLeadersResponse,
  FetchRequest,
  FetchResponse,
  ListOffsetsRequest,
  ListOffsetsResponse,
  LogDirsDescription,
  LogLevelDescription,
  MetadataRequest,
  MetadataResponse,
  ProduceRequest,
  ProduceResponse,
  QuorumDescription,
  TopicInfo,
  UnregisterBrokerRequest,
  VoterRequest,
  VotersChange,
} from '../../src/wire/api.ts'
import { type ClientFrame, fromWireError, type UnaryMethod } from './client-listener.ts'
import type { Owner, SimEvent } from './event-queue.ts'
import type { ConnectionEnd, Host, Network } from './network.ts'

interface PendingCall {
  readonly done: Done<unknown>
  readonly timer: SimEvent
}

interface OpenStream {
  readonly handlers: StreamHandlers<unknown>
}

/** The client's side of the simulated network. */
export class SimClientTransport implements ClientTransport {
  readonly #network: Network
  readonly #host: Host
  readonly #owner: Owner
  readonly #connections = new Set<SimClientConnection>()

  constructor(options: { readonly network: Network; readonly host: Host; readonly owner: Owner }) {
    this.#network = options.network
    this.#host = options.host
    this.#owner = options.owner
  }

  connect(address: NodeAddress): ClientConnection {
    const connection = new SimClientConnection({ network: this.#network, host: this.#host, owner: this.#owner, address })
    this.#connections.add(connection)
    return connection
  }

  close(): void {
    for (const connection of this.#connections) connection.close()
    this.#connections.clear()
  }
}

/**
 * One channel to one node: dialled when something wants to go there and it is not open. When the connection ends, every call
 * that waits fails with NETWORK_EXCEPTION and every stream closes: nothing is retried here.
 */
class SimClientConnection implements ClientConnection {
  readonly address: NodeAddress
  readonly #network: Network
  readonly #host: Host
  readonly #owner: Owner
  readonly #calls = new Map<number, PendingCall>()
  readonly #streams = new Map<number, OpenStream>()
  readonly #waiting: ClientFrame[] = []
  #end: ConnectionEnd | undefined
  #dialling = false
  #closed = false
  #lastId = 0

  constructor(options: { readonly network: Network; readonly host: Host; readonly owner: Owner; readonly address: NodeAddress }) {
    this.#network = options.network
    this.#host = options.host
    this.#owner = options.owner
    this.address = options.address
  }

  metadata(request: MetadataRequest, timeoutMs: number, done: Done<MetadataResponse>): void {
    this.#call('metadata', request, timeoutMs, done as Done<unknown>)
  }

  listOffsets(request: ListOffsetsRequest, timeoutMs: number, done: Done<ListOffsetsResponse>): void {
    this.#call('listOffsets', request, timeoutMs, done as Done<unknown>)
  }

  createTopic(request: CreateTopicRequest, timeoutMs: number, done: Done<CreateTopicResponse>): void {
    this.#call('createTopic', request, timeoutMs, done as Done<unknown>)
  }

  deleteTopic(request: DeleteTopicRequest, timeoutMs: number, done: Done<void>): void {
    this.#call('deleteTopic', request, timeoutMs, done as Done<unknown>)
  }

  createProducerId(timeoutMs: number, done: Done<CreateProducerIdResponse>): void {
    this.#call('createProducerId', null, timeoutMs, done as Done<unknown>)
  }

  describeCluster(timeoutMs: number, done: Done<ClusterDescription>): void {
    this.#call('describeCluster', null, timeoutMs, done as Done<unknown>)
  }

  describeQuorum(timeoutMs: number, done: Done<QuorumDescription>): void {
    this.#call('describeQuorum', null, timeoutMs, done as Done<unknown>)
  }

  alterTopic(request: AlterTopicRequest, timeoutMs: number, done: Done<TopicInfo>): void {
    this.#call('alterTopic', request, timeoutMs, done as Done<unknown>)
  }

  describeConfigs(request: DescribeConfigsRequest, timeoutMs: number, done: Done<DescribeConfigsResponse>): void {
    this.#call('describeConfigs', request, timeoutMs, done as Done<unknown>)
  }

  electLeaders(request: ElectLeadersRequest, timeoutMs: number, done: Done<ElectLeadersResponse>): void {
    this.#call('electLeaders', request, timeoutMs, done as Done<unknown>)
  }

  addVoter(request: VoterRequest, timeoutMs: number, done: Done<VotersChange>): void {
    this.#call('addVoter', request, timeoutMs, done as Done<unknown>)
  }

  removeVoter(request: VoterRequest, timeoutMs: number, done: Done<VotersChange>): void {
    this.#call('removeVoter', request, timeoutMs, done as Done<unknown>)
  }

  alterMaintenance(request: AlterMaintenanceRequest, timeoutMs: number, done: Done<BrokerDescription>): void {
    this.#call('alterMaintenance', request, timeoutMs, done as Done<unknown>)
  }

  unregisterBroker(request: UnregisterBrokerRequest, timeoutMs: number, done: Done<void>): void {
    this.#call('unregisterBroker', request, timeoutMs, done as Done<unknown>)
  }

  alterReassignments(request: AlterReassignmentsRequest, timeoutMs: number, done: Done<AlterReassignmentsResponse>): void {
    this.#call('alterReassignments', request, timeoutMs, done as Done<unknown>)
  }

  deleteRecords(request: DeleteRecordsRequest, timeoutMs: number, done: Done<DeleteRecordsResponse>): void {
    this.#call('deleteRecords', request, timeoutMs, done as Done<unknown>)
  }

  digestBatches(request: DigestBatchesRequest, timeoutMs: number, done: Done<BatchDigests>): void {
    this.#call('digestBatches', request, timeoutMs, done as Done<unknown>)
  }

  alterReplicaLogDirs(request: AlterReplicaLogDirsRequest, timeoutMs: number, done: Done<AlterReplicaLogDirsResponse>): void {
    this.#call('alterReplicaLogDirs', request, timeoutMs, done as Done<unknown>)
  }

  describeLogDirs(timeoutMs: number, done: Done<LogDirsDescription>): void {
    this.#call('describeLogDirs', null, timeoutMs, done as Done<unknown>)
  }

  getLogLevel(timeoutMs: number, done: Done<LogLevelDescription>): void {
    this.#call('getLogLevel', null, timeoutMs, done as Done<unknown>)
  }

  setLogLevel(request: LogLevelDescription, timeoutMs: number, done: Done<LogLevelDescription>): void {
    this.#call('setLogLevel', request, timeoutMs, done as Done<unknown>)
  }

  openProduce(handlers: StreamHandlers<ProduceResponse>): ClientStream<ProduceRequest> {
    return this.#open('produce', handlers as StreamHandlers<unknown>)
  }

  openFetch(handlers: StreamHandlers<FetchResponse>): ClientStream<FetchRequest> {
    return this.#open('fetch', handlers as StreamHandlers<unknown>)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#end?.open === true) this.#end.close()
    this.#network.queue.defer(this.#owner, () => this.#fail('the connection was closed'))
  }

  #call(method: UnaryMethod, request: unknown, timeoutMs: number, done: Done<unknown>): void {
    const id = this.#nextId()
    const timer = this.#network.queue.schedule(timeoutMs * 1000, this.#owner, () => {
      this.#calls.delete(id)
      done(new BrokerError('REQUEST_TIMED_OUT', `${method} to ${this.address.host} after ${timeoutMs} ms`), undefined)
    })
    this.#calls.set(id, { done, timer })
    this.#send({ type: 'call', id, method, request })
  }

  #open(stream: 'produce' | 'fetch', handlers: StreamHandlers<unknown>): ClientStream<unknown> {
    const id = this.#nextId()
    this.#streams.set(id, { handlers })
    this.#send({ type: 'open', id, stream })
    return {
      send: (request, left) => {
        if (!this.#streams.has(id)) return
        this.#send({ type: 'request', id, request })
        if (left !== undefined) this.#network.queue.defer(this.#owner, () => this.#streams.has(id) && left())
      },
      close: () => {
        if (!this.#streams.delete(id)) return
        this.#send({ type: 'close', id })
        this.#network.queue.defer(this.#owner, () => handlers.closed(undefined))
      },
    }
  }

  #nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  #send(frame: ClientFrame): void {
    if (this.#closed) {
      this.#network.queue.defer(this.#owner, () => this.#fail('the connection is closed'))
      return
    }
    if (this.#end?.open === true) {
      this.#end.send(frame)
      return
    }
    this.#waiting.push(frame)
    if (!this.#dialling) this.#dial()
  }

  #dial(): void {
    this.#dialling = true
    const failed = (why: string): void => {
      this.#dialling = false
      this.#fail(why)
    }
    this.#network.dial(this.#host, this.#owner, this.address.host, 'client', {
      opened: (end) => this.#opened(end),
      refused: () => failed('connection refused'),
      timedOut: () => failed('no answer to the dial'),
    })
  }

  #opened(end: ConnectionEnd): void {
    this.#dialling = false
    if (this.#closed) {
      end.close()
      return
    }
    this.#end = end
    end.onMessage((message) => this.#received(message as ClientFrame))
    end.onClose(() => this.#fail('the connection was lost'))
    for (const frame of this.#waiting.splice(0)) end.send(frame)
  }

  #received(frame: ClientFrame): void {
    if (frame.type === 'reply') {
      const call = this.#calls.get(frame.id)
      if (call === undefined) return
      this.#calls.delete(frame.id)
      call.timer.callback = undefined
      if (frame.error === null) call.done(undefined, frame.response)
      else call.done(fromWireError(frame.error), undefined)
    } else if (frame.type === 'response') this.#streams.get(frame.id)?.handlers.response(frame.response)
  }

  #fail(why: string): void {
    this.#waiting.length = 0
    const calls = [...this.#calls.values()]
    const streams = [...this.#streams.values()]
    this.#calls.clear()
    this.#streams.clear()
    const error = new BrokerError('NETWORK_EXCEPTION', `${this.address.host}: ${why}`)
    for (const call of calls) {
      call.timer.callback = undefined
      call.done(error, undefined)
    }
    for (const { handlers } of streams) handlers.closed(error)
  }
}
