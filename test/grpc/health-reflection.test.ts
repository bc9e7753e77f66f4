import { Client, credentials, loadPackageDefinition, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { protoPath as healthProto } from 'grpc-health-check'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import protobuf from 'protobufjs'
import descriptor from 'protobufjs/ext/descriptor/index.js'
import { afterEach, describe, expect, it } from 'vitest'
import { createGrpcServer } from '../../src/grpc/server.ts'
import { Traffic } from '../../src/wire/traffic.ts'
import { silentLogger } from '../contract/silent-logger.ts'
import { FakeBroker } from './fake-broker.ts'
import { until } from './harness.ts'

const reflectionProto = join(dirname(createRequire(import.meta.url).resolve('@grpc/reflection/package.json')), 'build/proto/grpc/reflection')

/** As any client of these services is made: from their .proto files. */
// biome-ignore lint/suspicious/noExplicitAny: what a package definition holds is known by its .proto alone
function clientOf(file: string, path: readonly string[], port: number): any {
  const loaded = loadPackageDefinition(loadSync(file, { keepCase: true, enums: String, oneofs: true, defaults: false }))
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const Service = path.reduce((at: any, name) => at[name], loaded) as new (address: string, creds: unknown) => unknown
  return new Service(`127.0.0.1:${port}`, credentials.createInsecure())
}

class Node {
  readonly closers: (() => void)[] = []
  isServing = true
  port = 0
  readonly server

  constructor() {
    this.server = createGrpcServer({
      broker: new FakeBroker(),
      logger: silentLogger,
      traffic: new Traffic(),
      maxConnections: 10,
      isServing: () => this.isServing,
    })
  }

  async start(): Promise<this> {
    this.port = await new Promise<number>((resolve, reject) => this.server.bind('127.0.0.1', 0, (error, port) => (error ? reject(error) : resolve(port))))
    return this
  }

  // biome-ignore lint/suspicious/noExplicitAny: see clientOf
  get health(): any {
    return this.#client(healthProto, ['grpc', 'health', 'v1', 'Health'])
  }

  // biome-ignore lint/suspicious/noExplicitAny: see clientOf
  reflection(version: 'v1' | 'v1alpha'): any {
    return this.#client(join(reflectionProto, version, 'reflection.proto'), ['grpc', 'reflection', version, 'ServerReflection'])
  }

  // biome-ignore lint/suspicious/noExplicitAny: see clientOf
  #client(file: string, path: readonly string[]): any {
    const client = clientOf(file, path, this.port)
    this.closers.push(() => client.close())
    return client
  }

  check(service: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.health.Check({ service }, (error: ServiceError | null, answer: { status: string }) => (error === null ? resolve(answer.status) : reject(error)))
    })
  }

  stop(): Promise<void> {
    return new Promise((resolve) => this.server.stop(0, () => resolve()))
  }
}

const nodes: Node[] = []
async function startNode(): Promise<Node> {
  const node = await new Node().start()
  nodes.push(node)
  return node
}

afterEach(async () => {
  for (const node of nodes.splice(0)) {
    for (const close of node.closers) close()
    await node.stop()
  }
})

describe('the health service', () => {
  it('says of the node, and of each of its services, whether clients are served', async () => {
    const node = await startNode()
    for (const service of ['', 'oxbow.v1.Broker', 'oxbow.v1.Admin']) expect(await node.check(service)).toBe('SERVING')
    node.isServing = false
    for (const service of ['', 'oxbow.v1.Broker', 'oxbow.v1.Admin']) expect(await node.check(service)).toBe('NOT_SERVING')
    await expect(node.check('orders')).rejects.toMatchObject({ code: status.NOT_FOUND })
  })

  it('tells who watches of each change, and ends with the node', async () => {
    const node = await startNode()
    const seen: string[] = []
    let end: ServiceError | undefined
    node.health
      .Watch({ service: 'oxbow.v1.Broker' })
      .on('data', (answer: { status: string }) => seen.push(answer.status))
      .on('error', (error: ServiceError) => {
        end = error
      })
    await until(() => seen.length === 1)
    node.isServing = false
    await until(() => seen.length === 2)
    node.isServing = true
    await until(() => seen.length === 3)
    expect(seen).toEqual(['SERVING', 'NOT_SERVING', 'SERVING'])
    await node.stop()
    await until(() => end !== undefined)
    expect(end?.code).toBe(status.UNAVAILABLE)
  })

  it('refuses what is no request, and lives on', async () => {
    const node = await startNode()
    const raw = new Client(`127.0.0.1:${node.port}`, credentials.createInsecure())
    node.closers.push(() => raw.close())
    const pass = (bytes: Buffer): Buffer => bytes
    const failed = new Promise((_, reject) => {
      raw.makeUnaryRequest('/grpc.health.v1.Health/Check', pass, pass, Buffer.from([0x07]), new Metadata(), (error) => reject(error))
    })
    await expect(failed).rejects.toMatchObject({ code: status.INVALID_ARGUMENT })
    expect(await node.check('')).toBe('SERVING')
  })
})

interface ReflectionAnswer {
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] }
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] }
  readonly error_response?: { readonly error_code: number }
}

function ask(node: Node, version: 'v1' | 'v1alpha', request: object): Promise<ReflectionAnswer> {
  return new Promise((resolve, reject) => {
    const stream = node.reflection(version).ServerReflectionInfo()
    stream.on('data', (answer: ReflectionAnswer) => {
      resolve(answer)
      stream.end()
    })
    stream.on('error', reject)
    stream.write(request)
  })
}

describe('reflection', () => {
  it.each(['v1', 'v1alpha'] as const)('%s lists the services that the node serves', async (version) => {
    const { list_services_response: listed } = await ask(await startNode(), version, { list_services: '*' })
    expect(listed?.service.map(({ name }) => name).sort()).toEqual(['grpc.health.v1.Health', 'oxbow.v1.Admin', 'oxbow.v1.Broker'])
  })

  it('gives the messages as the .proto files have them: names, numbers, types, what is optional', async () => {
    const { file_descriptor_response: found } = await ask(await startNode(), 'v1', { file_containing_symbol: 'oxbow.v1.Broker' })
    const files = (found?.file_descriptor_proto ?? []).map((file) => descriptor.FileDescriptorProto.decode(file))
    const reflected = (protobuf.Root as unknown as { fromDescriptor(set: object): protobuf.Root }).fromDescriptor({ file: files })
    const root = new protobuf.Root()
    root.resolvePath = (_origin, target) => join(import.meta.dirname, '../../proto', target)
    root.loadSync(['oxbow/v1/broker.proto', 'oxbow/v1/admin.proto'], { keepCase: true })
    // A map field is a list of the entries of an implicit type, named as protobuf demands.
    const typeOf = (field: protobuf.Field): string => (field.map ? `${protobuf.util.ucFirst(field.name)}Entry` : field.type)
    const shape = (from: protobuf.Root, name: string): unknown =>
      from.lookupType(`oxbow.v1.${name}`).fieldsArray.map((field) => [field.name, field.id, typeOf(field), field.repeated || field.map, field.partOf?.name])
    for (const name of [
      'ProduceRecordsRequest',
      'RecordToProduce',
      'FetchRecordsResponse',
      'FetchedRecord',
      'ErrorDetail',
      'CreateTopicRequest',
      'TopicInfo',
      'AlterTopicRequest',
    ])
      expect(shape(reflected, name), name).toEqual(shape(root, name))
    const methods = reflected.lookupService('oxbow.v1.Broker').methodsArray.map((method) => method.name)
    expect(methods).toEqual(root.lookupService('oxbow.v1.Broker').methodsArray.map((method) => method.name))
  })

  it('answers for what it does not know, and ends with the node', async () => {
    const node = await startNode()
    expect(await ask(node, 'v1', { file_containing_symbol: 'oxbow.v1.Nothing' })).toMatchObject({ error_response: { error_code: status.NOT_FOUND } })
    let end: ServiceError | undefined
    const stream = node.reflection('v1').ServerReflectionInfo()
    const answered = new Promise((resolve) => stream.on('data', resolve))
    stream.on('error', (error: ServiceError) => {
      end = error
    })
    stream.write({ list_services: '*' })
    await answered
    await node.stop()
    await until(() => end !== undefined)
    expect(end?.code).toBe(status.UNAVAILABLE)
  })
})
