import { expect } from 'vitest'
import type { BrokerError } from '../../src/base/errors.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { OxbowClient } from '../../src/client/client.ts'
import type { Producer, ProducerOptions, RecordMetadata } from '../../src/client/producer.ts'
import { readBatchHeader } from '../../src/record/batch.ts'
import { FakeCluster, type Verdict } from './fake-cluster.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface Outcome {
  error: BrokerError | undefined
  metadata: RecordMetadata | undefined
  atMs: number
}

export interface World {
  readonly clock: VirtualClock
  readonly cluster: FakeCluster
  readonly producer: Producer
  readonly client: OxbowClient
  /** Outcomes in the order in which they came. */
  readonly outcomes: (Outcome & { readonly value: string })[]
  send(value: string, options?: { partition?: number; key?: string }): boolean
  /** (base sequence, producer id) of every batch of partition 0 that reached a node, in order. */
  stamps(): string[]
}

export const VALUE_BYTES = 100

/** A producer above a fake cluster with one topic, `t`. */
export function build(options: ProducerOptions = {}, partitions = 1): World {
  const clock = new VirtualClock()
  const random = new SeededRandom(5)
  const cluster = new FakeCluster({ clock, random: random.fork('network') })
  cluster.addTopic('t', partitions)
  const client = new OxbowClient({ bootstrap: cluster.bootstrap, transport: cluster, clock, random, requestTimeoutMs: 3_000 })
  const producer = client.producer(options)
  const outcomes: World['outcomes'] = []
  const send: World['send'] = (value, { partition = 0, key } = {}) => {
    const where = key === undefined ? { partition } : { key }
    return producer.trySend({ topic: 't', ...where, value: value.padEnd(VALUE_BYTES) }, (error, metadata) => {
      outcomes.push({ value, error: error as BrokerError | undefined, metadata, atMs: clock.monotonicMs() })
    })
  }
  const stamps = (): string[] => {
    return cluster.produced.flatMap(({ request }) => {
      return request.partitions
        .filter(({ partition }) => partition === 0)
        .map(({ batch }) => `${readBatchHeader(batch, 0).baseSequence}@${readBatchHeader(batch, 0).producerId}`)
    })
  }
  // The topic and the producer id become known, so that the times in a test are those of its rule alone.
  send('warm')
  void producer.flush()
  clock.run(1_000)
  expect(outcomes.length).toBe(1)
  outcomes.length = 0
  cluster.produced.length = 0
  return { clock, cluster, producer, client, outcomes, send, stamps }
}

/** What partition 0 holds, in order. */
export function valuesOf(cluster: FakeCluster): string[] {
  return cluster
    .partition('t', 0)
    .records()
    .map(({ value }) => `${value}`.trim())
}

/** Verdicts for the next batches, one each, then none. */
export function script(cluster: FakeCluster, verdicts: readonly Verdict[]): void {
  const left = [...verdicts]
  cluster.produceVerdict = () => left.shift()
}

/** Batches of exactly one record. */
export const ONE_RECORD: ProducerOptions = { batchBytes: 1 }
