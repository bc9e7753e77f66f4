import { describe, expect, it } from 'vitest'
import type { Operation } from '../../../chaos/operations/operation.ts'
import { Experiment, withoutKeys } from '../../../chaos/sim/experiment.ts'
import { World } from '../../../chaos/sim/world.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import { OxbowClient } from '../../../src/client/client.ts'
import { SystemClock } from '../../../src/client/system-clock.ts'
import { CliCluster } from '../../cli/harness.ts'

const SLOW_MS = 120_000

describe('an experiment in simulated time', () => {
  it(
    'is part of a seed, and the same again',
    async () => {
      const settings = { voters: 3, observers: 0, controllers: 3, voterGapMs: null, splitRoles: false, faultPhaseMs: 20_000, sendGapMs: 20, experimentRate: 10 }
      const run = () => new World({ seed: 3, tell: null, settings, plan: [] }).run()
      const [first, second, without] = [
        await run(),
        await run(),
        await new World({ seed: 3, tell: null, settings: { ...settings, experimentRate: null }, plan: [] }).run(),
      ]
      expect([first.violation, without.violation]).toEqual([null, null])
      expect(second.hash).toBe(first.hash)
      expect(first.operations).toBeGreaterThan(without.operations + 100)
    },
    SLOW_MS,
  )

  it('shows what a cluster loses', async () => {
    const { cluster, experiment } = makeExperiment()
    experiment.start()
    await wait(400)
    const losing = setInterval(() => loseLast(cluster), 50)
    await wait(600)
    clearInterval(losing)
    experiment.stop()
    expect(experiment.isUnsettled).toBe(true)
    while (experiment.isUnsettled) await wait(20)
    expect((await experiment.pollEverything(1_000)).length).toBeGreaterThan(0)
    expect(() => experiment.judge()).toThrow(/^delivery: /)
    // What an operator gave up is nobody's to miss.
    for (const [name, { partitions }] of cluster.fake.topics) for (const partition of partitions.keys()) experiment.gaveUp(name, partition)
    expect(await experiment.pollEverything(500)).toEqual([])
    experiment.judge()
  })
})

it('some keys are left out of what clients did', () => {
  const operation = (one: Partial<Operation>): Operation => ({ index: 0, time: 0, process: 0, type: 'ok', f: 'poll', value: [], ...one })
  const operations = [
    operation({ f: 'send', value: [['send', 1, 5]] }),
    operation({ f: 'send', value: [['send', 2, 6]] }),
    operation({ f: 'assign', value: [1, 2] }),
    operation({ value: [['poll']] }),
    operation({ value: [['poll', { 1: [[0, 5]], 2: [[0, 6]] }]] }),
    operation({ f: 'crash' }),
  ]
  const left = [...withoutKeys(operations, (key) => key === 1)]
  expect(left.map(({ index, value }) => [index, value])).toEqual([
    [0, [['send', 2, 6]]],
    [1, [2]],
    [2, [['poll']]],
    [3, [['poll', { 2: [[0, 6]] }]]],
    [4, []],
  ])
})

function makeExperiment(): { readonly cluster: CliCluster; readonly experiment: Experiment } {
  const cluster = new CliCluster()
  const clock = new SystemClock()
  const openClient = () => new OxbowClient({ bootstrap: cluster.fake.bootstrap, transport: cluster, requestTimeoutMs: 1_000 })
  const nodes = [{ host: 'n1', port: 9 }]
  const experiment = new Experiment({
    addMachine: () => ({ clock, nodes, openClient, openTransport: () => cluster }),
    random: new SeededRandom(1),
    rate: 300,
    replicationFactor: 3,
    forMs: 60_000,
    failed: (error) => {
      throw error
    },
  })
  return { cluster, experiment }
}

function loseLast({ fake }: CliCluster): void {
  for (const [name, { partitions }] of fake.topics) {
    for (const [partition, log] of partitions.entries()) {
      if (log.highWatermark === 0) continue
      log.highWatermark--
      fake.moveLeader(name, partition, (log.leader % 3) + 1, { cut: true })
    }
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
