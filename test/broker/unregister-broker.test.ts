import { expect, it } from 'vitest'
import type { BrokerError } from '../../src/base/errors.ts'
import { ImageWaiters } from '../../src/broker/queries.ts'
import { unregisterBroker } from '../../src/broker/unregister-broker.ts'
import type { ControllerCommand, ControllerReply } from '../../src/controller/commands.ts'
import type { ControllerClient } from '../../src/runtime/controller-client.ts'
import { Cluster } from '../controller/harness.ts'
import { World } from '../log/world.ts'

class Bench {
  readonly clock = new World().clock
  readonly waiters = new ImageWaiters(this.clock)
  readonly cluster = new Cluster()
  readonly commands: ControllerCommand[] = []
  readonly outcomes: string[] = []
  reply: (reply: ControllerReply) => void = () => undefined

  constructor(nodeId = 2) {
    this.cluster.start(1, 2)
    this.cluster.fence(2)
    const controllerClient = {
      request: (command: ControllerCommand, _timeoutMs: number, done: (reply: ControllerReply) => void) => {
        this.commands.push(command)
        this.reply = done
      },
    } as unknown as ControllerClient
    const parts = { controllerClient, waiters: this.waiters, image: () => this.cluster.image }
    unregisterBroker(parts, { nodeId, validateOnly: false, timeoutMs: 100 }, (error) => {
      this.outcomes.push(error === undefined ? 'done' : (error as BrokerError).code)
    })
  }

  run(ms: number): void {
    let isOver = false
    this.clock.after(ms, () => {
      isOver = true
    })
    while (!isOver) this.clock.step()
  }
}

it('is asked of the controller, and answered once this node has applied it', () => {
  const bench = new Bench()
  const command = { type: 'unregisterBroker', nodeId: 2, validateOnly: false } as const
  expect(bench.commands).toEqual([command])
  bench.reply({ type: 'brokerUnregistered', metadataOffset: bench.cluster.image.offset + 1 })
  bench.run(10)
  expect(bench.outcomes).toEqual([])
  bench.cluster.run(command)
  bench.waiters.applied()
  bench.run(10)
  expect(bench.outcomes).toEqual(['done'])
})

it('gone by an earlier attempt of the same request, it is done; of a broker that this node never knew it is not', () => {
  const gone = { type: 'error', code: 'BROKER_ID_NOT_REGISTERED', message: 'no', definite: true } as const
  const again = new Bench()
  again.cluster.run({ type: 'unregisterBroker', nodeId: 2, validateOnly: false })
  again.reply(gone)
  again.run(10)
  expect(again.outcomes).toEqual(['done'])
  const unknown = new Bench(9)
  unknown.reply(gone)
  expect(unknown.outcomes).toEqual(['BROKER_ID_NOT_REGISTERED'])
})

it('a refusal is passed on; what this node does not see in time has an outcome that nobody knows here', () => {
  const refused = new Bench()
  refused.reply({ type: 'error', code: 'BROKER_IN_USE', message: 'no', definite: true })
  expect(refused.outcomes).toEqual(['BROKER_IN_USE'])
  const late = new Bench()
  late.reply({ type: 'brokerUnregistered', metadataOffset: late.cluster.image.offset + 1 })
  late.run(200)
  expect(late.outcomes).toEqual(['REQUEST_TIMED_OUT'])
})
