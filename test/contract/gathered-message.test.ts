import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import { afterEach, expect, it } from 'vitest'
import { openChannel } from '../../src/wire/channel.ts'
import { GatheredMessage } from '../../src/wire/gathered.ts'
import { brokerService, MAX_MESSAGE_BYTES } from '../../src/wire/services.ts'

/** A message that counts how often its bytes were copied, and has nothing but what GatheredMessage promises. */
function counted(parts: readonly Buffer[]): { readonly message: GatheredMessage; copies(): number } {
  const inner = new GatheredMessage(parts)
  let copies = 0
  const message = {
    length: inner.length,
    byteLength: inner.byteLength,
    copy(target: Buffer, targetStart?: number): number {
      copies += 1
      return inner.copy(target, targetStart)
    },
  }
  return { message: message as unknown as GatheredMessage, copies: () => copies }
}

const closers: (() => void)[] = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

/**
 * What gathered.ts relies on: gRPC asks a serialised message for its length and copies it once, client and server alike, and what arrives is
 * a view of one contiguous frame. A gRPC that does otherwise must fail here, not in the benchmark.
 */
it('gRPC sends a GatheredMessage with one copy a side', async () => {
  const parts = [Buffer.alloc(70_000, 1), Buffer.alloc(3, 2), Buffer.alloc(1_000_000, 3)]
  const request = counted(parts)
  const response = counted([...parts].reverse())
  const server = new Server({ 'grpc.max_receive_message_length': MAX_MESSAGE_BYTES })
  const received: Buffer[] = []
  server.addService(brokerService, {
    Produce(call: ServerDuplexStream<Buffer, GatheredMessage>) {
      call.on('data', (bytes: Buffer) => {
        received.push(bytes)
        call.write(response.message)
        call.end()
      })
    },
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error === null ? resolve(bound) : reject(error)))
  })
  const client = openChannel({ host: '127.0.0.1', port })
  closers.push(
    () => client.close(),
    () => server.forceShutdown(),
  )
  const { path, requestSerialize, responseDeserialize } = brokerService.Produce
  const call = client.makeBidiStreamRequest<GatheredMessage, Buffer>(path, requestSerialize, responseDeserialize)
  call.write(request.message)
  const answer = await new Promise<Buffer>((resolve, reject) => {
    call.on('data', resolve)
    call.on('error', reject)
  })
  expect(received[0]?.equals(Buffer.concat(parts))).toBe(true)
  expect(answer.equals(Buffer.concat([...parts].reverse()))).toBe(true)
  expect([request.copies(), response.copies()]).toEqual([1, 1])
})
