// Produces numbered records and reads them back: each once and in order, whatever happens to a node meanwhile.
//
//   node exactly-once.mjs 127.0.0.1:9192,127.0.0.1:9193,127.0.0.1:9194 numbers 5000

import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import grpc from '@grpc/grpc-js'
import protoLoader from '@grpc/proto-loader'

const PARTITION = 0
const RECORDS_A_CALL = 10
const GIVE_UP_MS = 60_000
const CHANNEL_OPTIONS = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 1_000 }

const PROTO = process.env.OXBOW_PROTO ?? fileURLToPath(new URL('../../../proto', import.meta.url))
const definition = protoLoader.loadSync(['oxbow/v1/broker.proto', 'oxbow/v1/admin.proto'], { includeDirs: [PROTO], longs: Number, defaults: true })
const { Broker, Admin } = grpc.loadPackageDefinition(definition).oxbow.v1
const ErrorDetail = definition['oxbow.v1.ErrorDetail']

/** Any node answers most calls; records are for the leader of their partition. Follows leaders, and repeats calls. */
class Cluster {
  #addresses
  #address
  #clients = new Map()

  constructor(addresses) {
    this.#addresses = addresses
    this.#address = addresses[0]
  }

  /** Repeats the call until it is answered: for what may be repeated after an unknown outcome. */
  async call(Service, method, request) {
    const giveUpAt = performance.now() + GIVE_UP_MS
    for (;;) {
      try {
        return await this.#send(Service, method, request)
      } catch (error) {
        const detail = detailOf(error)
        if (!detail.retriable || performance.now() > giveUpAt) throw error
        process.stderr.write(`${this.#address}: ${detail.code}: ${detail.message}\n`)
        this.#address = detail.leader ? `${detail.leader.host}:${detail.leader.grpcPort}` : this.#nextAddress()
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  }

  close() {
    for (const client of this.#clients.values()) client.close()
  }

  #send(Service, method, request) {
    const name = `${Service.serviceName} ${this.#address}`
    const client = this.#clients.get(name) ?? new Service(this.#address, grpc.credentials.createInsecure(), CHANNEL_OPTIONS)
    this.#clients.set(name, client)
    return new Promise((resolve, reject) => {
      client[method](request, { deadline: Date.now() + 15_000 }, (error, answer) => (error ? reject(error) : resolve(answer)))
    })
  }

  #nextAddress() {
    return this.#addresses[(this.#addresses.indexOf(this.#address) + 1) % this.#addresses.length]
  }
}

/** What the node says; or what gRPC says where no node said anything. */
function detailOf(error) {
  const [bytes] = error.metadata?.get('oxbow-error-bin') ?? []
  if (bytes !== undefined) return ErrorDetail.deserialize(bytes)
  const isLost = error.code === grpc.status.UNAVAILABLE || error.code === grpc.status.DEADLINE_EXCEEDED
  return { code: grpc.status[error.code] ?? error.name, message: error.details ?? error.message, retriable: isLost }
}

async function createTopic(cluster, topic) {
  // The id is chosen once: repeating the call is then harmless.
  const request = { name: topic, topicId: randomBytes(16), partitions: 1, replicationFactor: 3, timeoutMs: 10_000 }
  try {
    await cluster.call(Admin, 'CreateTopic', request)
  } catch (error) {
    if (detailOf(error).code !== 'TOPIC_ALREADY_EXISTS') throw error
  }
}

/** Answers the offset of the first record. */
async function produce(cluster, topic, count) {
  const { producerId, producerEpoch } = await cluster.call(Broker, 'CreateProducerId', {})
  let firstOffset
  for (let start = 0; start < count; start += RECORDS_A_CALL) {
    const end = Math.min(start + RECORDS_A_CALL, count)
    const records = Array.from({ length: end - start }, (_, at) => ({ value: Buffer.from(String(start + at)) }))
    // The same sequence however often it is sent: the leader appends it once.
    const idempotence = { producerId, producerEpoch, baseSequence: start }
    const { baseOffset } = await cluster.call(Broker, 'ProduceRecords', { topic, partition: PARTITION, timeoutMs: 5_000, records, idempotence })
    firstOffset ??= baseOffset
    if (end % 500 === 0) process.stdout.write(`produced ${end}\n`)
  }
  return firstOffset
}

/** Throws unless the next `count` records are the numbers from 0 on, and the last of the partition. */
async function consume(cluster, topic, firstOffset, count) {
  let offset = firstOffset
  let expected = 0
  for (;;) {
    const answer = await cluster.call(Broker, 'FetchRecords', { topic, partition: PARTITION, offset, maxWaitMs: 500 })
    for (const record of answer.records) {
      const value = record.value.toString()
      if (value !== String(expected)) throw new Error(`offset ${record.offset} holds ${value}, expected ${expected}`)
      expected += 1
    }
    offset = answer.nextOffset
    // A new leader may show less for a moment, never more.
    if (expected >= count && offset >= answer.highWatermark) break
  }
  if (expected !== count) throw new Error(`${expected} records were read, ${count} were produced`)
}

const [addresses, topic, count] = process.argv.slice(2)
const cluster = new Cluster(addresses.split(','))
await createTopic(cluster, topic)
const firstOffset = await produce(cluster, topic, Number(count))
await consume(cluster, topic, firstOffset, Number(count))
process.stdout.write(`${count} records, each once and in order\n`)
cluster.close()
