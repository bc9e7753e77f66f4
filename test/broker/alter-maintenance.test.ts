import { expect, it } from 'vitest'
import type { BrokerError } from '../../src/base/errors.ts'
import { alterMaintenance } from '../../src/broker/alter-maintenance.ts'
import { ImageWaiters } from '../../src/broker/queries.ts'
import type { ControllerCommand, ControllerReply } from '../../src/controller/commands.ts'
import type { ControllerClient } from '../../src/runtime/controller-client.ts'
import type { BrokerDescription } from '../../src/wire/api.ts'
import { Cluster } from '../controller/harness.ts'
import { World } from '../log/world.ts'

class Bench {
  readonly clock = new World().clock
  readonly waiters = new ImageWaiters(this.clock)
  readonly cluster = new Cluster()
  readonly commands: ControllerCommand[] = []
  readonly outcomes: (BrokerDescription | string)[] = []
  reply: (reply: ControllerReply) => void = () => undefined

  constructor() {
    this.cluster.start(1, 2)
    this.cluster.create('orders', [[1, 2]])
    const controllerClient = {
      request: (command: ControllerCommand, _timeoutMs: number, done: (reply: ControllerReply) => void) => {
        this.commands.push(command)
        this.reply = done
      },
    } as unknown as ControllerClient
    const queries = { clock: this.clock, image: () => this.cluster.image, leaderId: () => 1, isConnected: () => true, isCaughtUp: () => true }
    alterMaintenance({ controllerClient, waiters: this.waiters, queries }, { nodeId: 1, maintenance: true, timeoutMs: 100 }, (error, value) => {
      this.outcomes.push(error === undefined ? value : (error as BrokerError).code)
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

it('is asked of the controller, and answered once this node has applied it: with the broker as it is then', () => {
  const bench = new Bench()
  const command = { type: 'alterMaintenance', nodeId: 1, maintenance: true } as const
  expect(bench.commands).toEqual([command])
  bench.reply({ type: 'maintenanceAltered', metadataOffset: bench.cluster.image.offset + 1 })
  bench.run(10)
  expect(bench.outcomes).toEqual([])
  bench.cluster.run(command)
  bench.waiters.applied()
  bench.run(10)
  expect(bench.outcomes).toMatchObject([{ nodeId: 1, state: 'running', maintenance: true, leaders: 0, replicas: 1 }])
})

it('a refusal is passed on; what this node does not see in time has an outcome that nobody knows here', () => {
  const refused = new Bench()
  refused.reply({ type: 'error', code: 'BROKER_ID_NOT_REGISTERED', message: 'no', definite: true })
  expect(refused.outcomes).toEqual(['BROKER_ID_NOT_REGISTERED'])
  const late = new Bench()
  late.reply({ type: 'maintenanceAltered', metadataOffset: late.cluster.image.offset + 1 })
  late.run(200)
  expect(late.outcomes).toEqual(['REQUEST_TIMED_OUT'])
})
