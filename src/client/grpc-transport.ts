import {
  type CallOptions,
  type Client,
  type ClientDuplexStream,
  type ClientUnaryCall,
  connectivityState,
  Metadata,
  type ServiceError,
  type StatusObject,
  status,
} from '@grpc/grpc-js'
import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import {
  alterMaintenanceRequestCodec,
  alterReassignmentsRequestCodec,
  batchDigestsCodec,
  brokerDescriptionCodec,
  alterReassignmentsResponseCodec,
  alterReplicaLogDirsRequestCodec,
  alterReplicaLogDirsResponseCodec,
  alterTopicRequestCodec,
  clusterDescriptionCodec,
  createTopicRequestCodec,
  createTopicResponseCodec,
  deleteRecordsRequestCodec,
  deleteRecordsResponseCodec,
  deleteTopicRequestCodec,
  describeConfigsRequestCodec,
  describeConfigsResponseCodec,
  digestBatchesRequestCodec,
  electLeadersRequestCodec,
  electLeadersResponseCodec,
  logDirsDescriptionCodec,
  logLevelCodec,
  quorumDescriptionCodec,
  unregisterBrokerRequestCodec,
  voterRequestCodec,
  votersChangeCodec,
} from '../wire/admin-codec.ts'
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
} from '../wire/api.ts'
import { openChannel } from '../wire/channel.ts'
import { decodeFetchResponse, encodeFetchRequest } from '../wire/fetch-codec.ts'
import type { GatheredMessage } from '../wire/gathered.ts'
import { fromGrpcStatus } from '../wire/grpc-error.ts'
import {
  createProducerIdResponseCodec,
  emptyCodec,
  listOffsetsRequestCodec,
  listOffsetsResponseCodec,
  metadataRequestCodec,
  metadataResponseCodec,
  topicInfoCodec,
} from '../wire/metadata-codec.ts'
import { decodeProduceReplies, encodeProduceRequest } from '../wire/produce-codec.ts'
import { type Codec, decode, encode } from '../wire/proto-message.ts'
import { adminService, brokerService, type RawMethod } from '../wire/services.ts'
import type { ClientConnection, ClientStream, ClientTransport, NodeAddress, StreamHandlers } from './transport.ts'

/** A dial into a silent network would wait for TCP, which asks again after 1, 3, 7, 15, 31 s: a new one is quicker once the network is back. */
const DIAL_TIMEOUT_MS = 5_000

/** ClientTransport over gRPC: one channel a connection, dialled by its first call. */
export class GrpcClientTransport implements ClientTransport {
  readonly #connections = new Set<GrpcClientConnection>()

  connect(address: NodeAddress): ClientConnection {
    const connection = new GrpcClientConnection(address, () => this.#connections.delete(connection))
    this.#connections.add(connection)
    return connection
  }

  close(): void {
    for (const connection of [...this.#connections]) connection.close()
  }
}

class GrpcClientConnection implements ClientConnection {
  readonly address: NodeAddress
  readonly #onClose: () => void
  readonly #streams = new Set<GrpcClientStream<never, never>>()
  readonly #calls = new Set<ClientUnaryCall>()
  #client: Client
  #dialTimer: NodeJS.Timeout | undefined
  #closed = false

  constructor(address: NodeAddress, onClose: () => void) {
    this.address = address
    this.#onClose = onClose
    this.#client = openChannel(address)
  }

  metadata(request: MetadataRequest, timeoutMs: number, done: Done<MetadataResponse>): void {
    this.#call(brokerService.GetMetadata, metadataRequestCodec, metadataResponseCodec, request, timeoutMs, done)
  }

  listOffsets(request: ListOffsetsRequest, timeoutMs: number, done: Done<ListOffsetsResponse>): void {
    this.#call(brokerService.ListOffsets, listOffsetsRequestCodec, listOffsetsResponseCodec, request, timeoutMs, done)
  }

  createTopic(request: CreateTopicRequest, timeoutMs: number, done: Done<CreateTopicResponse>): void {
    this.#call(adminService.CreateTopic, createTopicRequestCodec, createTopicResponseCodec, request, timeoutMs, done)
  }

  deleteTopic(request: DeleteTopicRequest, timeoutMs: number, done: Done<void>): void {
    this.#call(adminService.DeleteTopic, deleteTopicRequestCodec, emptyCodec, request, timeoutMs, (error) => done(error, undefined))
  }

  createProducerId(timeoutMs: number, done: Done<CreateProducerIdResponse>): void {
    this.#call(brokerService.CreateProducerId, emptyCodec, createProducerIdResponseCodec, {}, timeoutMs, done)
  }

  describeCluster(timeoutMs: number, done: Done<ClusterDescription>): void {
    this.#call(adminService.DescribeCluster, emptyCodec, clusterDescriptionCodec, {}, timeoutMs, done)
  }

  describeQuorum(timeoutMs: number, done: Done<QuorumDescription>): void {
    this.#call(adminService.DescribeQuorum, emptyCodec, quorumDescriptionCodec, {}, timeoutMs, done)
  }

  alterTopic(request: AlterTopicRequest, timeoutMs: number, done: Done<TopicInfo>): void {
    this.#call(adminService.AlterTopic, alterTopicRequestCodec, topicInfoCodec, request, timeoutMs, done)
  }

  describeConfigs(request: DescribeConfigsRequest, timeoutMs: number, done: Done<DescribeConfigsResponse>): void {
    this.#call(adminService.DescribeConfigs, describeConfigsRequestCodec, describeConfigsResponseCodec, request, timeoutMs, done)
  }

  electLeaders(request: ElectLeadersRequest, timeoutMs: number, done: Done<ElectLeadersResponse>): void {
    this.#call(adminService.ElectLeaders, electLeadersRequestCodec, electLeadersResponseCodec, request, timeoutMs, done)
  }

  addVoter(request: VoterRequest, timeoutMs: number, done: Done<VotersChange>): void {
    this.#call(adminService.AddVoter, voterRequestCodec, votersChangeCodec, request, timeoutMs, done)
  }

  removeVoter(request: VoterRequest, timeoutMs: number, done: Done<VotersChange>): void {
    this.#call(adminService.RemoveVoter, voterRequestCodec, votersChangeCodec, request, timeoutMs, done)
  }

  alterMaintenance(request: AlterMaintenanceRequest, timeoutMs: number, done: Done<BrokerDescription>): void {
    this.#call(adminService.AlterMaintenance, alterMaintenanceRequestCodec, brokerDescriptionCodec, request, timeoutMs, done)
  }

  unregisterBroker(request: UnregisterBrokerRequest, timeoutMs: number, done: Done<void>): void {
    this.#call(adminService.UnregisterBroker, unregisterBrokerRequestCodec, emptyCodec, request, timeoutMs, (error) => done(error, undefined))
  }

  alterReassignments(request: AlterReassignmentsRequest, timeoutMs: number, done: Done<AlterReassignmentsResponse>): void {
    this.#call(adminService.AlterPartitionReassignments, alterReassignmentsRequestCodec, alterReassignmentsResponseCodec, request, timeoutMs, done)
  }

  deleteRecords(request: DeleteRecordsRequest, timeoutMs: number, done: Done<DeleteRecordsResponse>): void {
    this.#call(adminService.DeleteRecords, deleteRecordsRequestCodec, deleteRecordsResponseCodec, request, timeoutMs, done)
  }

  digestBatches(request: DigestBatchesRequest, timeoutMs: number, done: Done<BatchDigests>): void {
    this.#call(adminService.DigestBatches, digestBatchesRequestCodec, batchDigestsCodec, request, timeoutMs, done)
  }

  alterReplicaLogDirs(request: AlterReplicaLogDirsRequest, timeoutMs: number, done: Done<AlterReplicaLogDirsResponse>): void {
    this.#call(adminService.AlterReplicaLogDirs, alterReplicaLogDirsRequestCodec, alterReplicaLogDirsResponseCodec, request, timeoutMs, done)
  }

  describeLogDirs(timeoutMs: number, done: Done<LogDirsDescription>): void {
    this.#call(adminService.DescribeLogDirs, emptyCodec, logDirsDescriptionCodec, {}, timeoutMs, done)
  }

  getLogLevel(timeoutMs: number, done: Done<LogLevelDescription>): void {
    this.#call(adminService.GetLogLevel, emptyCodec, logLevelCodec, {}, timeoutMs, done)
  }

  setLogLevel(request: LogLevelDescription, timeoutMs: number, done: Done<LogLevelDescription>): void {
    this.#call(adminService.SetLogLevel, logLevelCodec, logLevelCodec, request, timeoutMs, done)
  }

  openProduce(handlers: StreamHandlers<ProduceResponse>): ClientStream<ProduceRequest> {
    return this.#open(brokerService.Produce, encodeProduceRequest, decodeProduceReplies, handlers)
  }

  openFetch(handlers: StreamHandlers<FetchResponse>): ClientStream<FetchRequest> {
    return this.#open(brokerService.Fetch, encodeFetchRequest, (bytes) => [decodeFetchResponse(bytes)], handlers)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#onClose()
    clearTimeout(this.#dialTimer)
    for (const call of this.#calls) call.cancel()
    for (const stream of [...this.#streams]) stream.end(new BrokerError('CLIENT_CLOSED', 'the connection was closed', { definite: false }))
    this.#client.close()
  }

  /** Gives up a dial that finds nobody, with the calls that wait for it. */
  #watchDial(): void {
    if (this.#closed || this.#dialTimer !== undefined || this.#client.getChannel().getConnectivityState(false) === connectivityState.READY) return
    this.#dialTimer = setTimeout(() => {
      this.#dialTimer = undefined
      if (this.#client.getChannel().getConnectivityState(false) !== connectivityState.CONNECTING) return
      this.#client.close()
      this.#client = openChannel(this.address)
    }, DIAL_TIMEOUT_MS).unref()
  }

  #open<Request, Response>(
    method: RawMethod,
    encodeRequest: (request: Request) => GatheredMessage,
    decodeResponses: (bytes: Buffer) => readonly Response[],
    handlers: StreamHandlers<Response>,
  ): ClientStream<Request> {
    const call = this.#closed
      ? undefined
      : this.#client.makeBidiStreamRequest<GatheredMessage, Buffer>(method.path, method.requestSerialize, method.responseDeserialize)
    const stream = new GrpcClientStream<Request, Response>({
      call,
      encode: encodeRequest,
      decode: decodeResponses,
      handlers,
      // Told which one: without a call it ends while it is being made.
      onEnd: (ended) => this.#streams.delete(ended as unknown as GrpcClientStream<never, never>),
    })
    this.#watchDial()
    if (call !== undefined) this.#streams.add(stream as unknown as GrpcClientStream<never, never>)
    return stream
  }

  #call<Request, Response>(
    method: RawMethod,
    requestCodec: Codec<Request>,
    responseCodec: Codec<Response>,
    request: Request,
    timeoutMs: number,
    done: Done<Response>,
  ): void {
    if (this.#closed) {
      setImmediate(() => done(new BrokerError('CLIENT_CLOSED', 'the connection is closed'), undefined as Response))
      return
    }
    const options: CallOptions = { deadline: Date.now() + timeoutMs }
    const answered = (failure: ServiceError | null, bytes?: Buffer): void => {
      this.#calls.delete(call)
      if (failure !== null) {
        done(this.#failed(failure), undefined as Response)
        return
      }
      let response: Response
      try {
        response = decode(responseCodec, bytes as Buffer)
      } catch (error) {
        done(unreadable(error), undefined as Response)
        return
      }
      done(undefined, response)
    }
    const call = this.#client.makeUnaryRequest<GatheredMessage, Buffer>(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      encode(requestCodec, request),
      new Metadata(),
      options,
      answered,
    )
    this.#calls.add(call)
    this.#watchDial()
  }

  #failed(failure: ServiceError): BrokerError {
    if (this.#closed) return new BrokerError('CLIENT_CLOSED', 'the connection was closed', { definite: false })
    return fromGrpcStatus(failure)
  }
}

/** What a node answered and this version cannot read: what was asked for may have happened. */
function unreadable(error: unknown): BrokerError {
  return new BrokerError('UNKNOWN_SERVER_ERROR', `an unreadable answer: ${error instanceof Error ? error.message : String(error)}`)
}

/** One stream; `closed` is said once, in a turn of its own, never inside a call to the stream. */
class GrpcClientStream<Request, Response> implements ClientStream<Request> {
  readonly #call: ClientDuplexStream<GatheredMessage, Buffer> | undefined
  readonly #encode: (request: Request) => GatheredMessage
  readonly #decode: (bytes: Buffer) => readonly Response[]
  readonly #handlers: StreamHandlers<Response>
  readonly #onEnd: (ended: GrpcClientStream<Request, Response>) => void
  #ended = false

  constructor(options: {
    readonly call: ClientDuplexStream<GatheredMessage, Buffer> | undefined
    readonly encode: (request: Request) => GatheredMessage
    readonly decode: (bytes: Buffer) => readonly Response[]
    readonly handlers: StreamHandlers<Response>
    readonly onEnd: (ended: GrpcClientStream<Request, Response>) => void
  }) {
    this.#call = options.call
    this.#encode = options.encode
    this.#decode = options.decode
    this.#handlers = options.handlers
    this.#onEnd = options.onEnd
    if (this.#call === undefined) this.end(new BrokerError('CLIENT_CLOSED', 'the connection is closed'))
    this.#call?.on('data', (bytes: Buffer) => this.#received(bytes))
    this.#call?.on('error', () => {}) // Its status says the same.
    this.#call?.on('status', (ended: StatusObject) => this.end(ended.code === status.OK ? undefined : fromGrpcStatus(ended)))
  }

  send(request: Request, left?: () => void): void {
    if (this.#ended) return
    this.#call?.write(this.#encode(request), () => {
      if (left !== undefined && !this.#ended) setImmediate(() => this.#ended || left())
    })
  }

  close(): void {
    this.end(undefined)
  }

  end(error: BrokerError | undefined): void {
    if (this.#ended) return
    this.#ended = true
    this.#call?.cancel()
    this.#onEnd(this)
    setImmediate(() => this.#handlers.closed(error))
  }

  #received(bytes: Buffer): void {
    if (this.#ended) return
    let responses: readonly Response[]
    try {
      responses = this.#decode(bytes)
    } catch (error) {
      this.end(unreadable(error))
      return
    }
    for (const response of responses) if (!this.#ended) this.#handlers.response(response)
  }
}
