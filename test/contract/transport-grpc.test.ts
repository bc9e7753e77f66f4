import type { Socket } from 'node:net'
import { createServer, type Server as NetServer } from 'node:net'
import { Server, ServerCredentials } from '@grpc/grpc-js'
import { GrpcPeerTransport } from '../../src/peer/grpc-transport.ts'
import { addPeerService } from '../../src/peer/peer-service.ts'
import { silentLogger } from './silent-logger.ts'
import { transportContract, type TransportSide, type TransportWorld } from './transport-contract.ts'
import { Traffic } from '../../src/wire/traffic.ts'

interface Node extends TransportSide {
  kill(): void
}

/** One node's transport behind a listening socket whose connections the test can cut, as the death of a process does. */
async function startNode(nodeId: number, port: number): Promise<Node> {
  const transport = new GrpcPeerTransport({ logger: silentLogger, traffic: new Traffic() })
  const server = new Server({ 'grpc.max_receive_message_length': 16 << 20, 'grpc.max_send_message_length': 16 << 20 })
  addPeerService(server, transport)
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const sockets = new Set<Socket>()
  const listener: NetServer = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    injector.injectConnection(socket)
  })
  await new Promise<void>((resolve) => listener.listen({ host: '127.0.0.1', port }, resolve))
  const address = listener.address()
  if (typeof address !== 'object' || address === null) throw new Error('no address')
  return {
    nodeId,
    transport,
    address: { host: '127.0.0.1', port: address.port },
    kill() {
      listener.close()
      for (const socket of sockets) socket.resetAndDestroy()
      transport.stop()
      server.forceShutdown()
    },
  }
}

async function makeWorld(): Promise<TransportWorld> {
  const one = await startNode(1, 0)
  const nodes = [one, await startNode(2, 0)]
  const nowMs = (): number => performance.now()
  return {
    one,
    two: nodes[1]!,
    nowMs,
    async until(condition, withinMs = 5_000) {
      const deadline = nowMs() + withinMs
      while (!condition()) {
        if (nowMs() > deadline) throw new Error(`not within ${withinMs} ms`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    crashTwo: () => nodes[1]!.kill(),
    async restartTwo() {
      const again = await startNode(2, nodes[1]!.address.port)
      nodes.push(again)
      return again
    },
    async end() {
      for (const node of nodes) node.kill()
    },
  }
}

transportContract('gRPC', makeWorld)
