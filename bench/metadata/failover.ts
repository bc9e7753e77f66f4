import { LiveCluster, waitFor, waitForBrokers, waitForFullIsr } from '../../chaos/live/cluster-process.ts'
import type { OxbowClient } from '../../src/client/client.ts'
import type { Producer } from '../../src/client/producer.ts'
import { heading, line, quantile } from '../report.ts'

const A_TOPIC = 500
/** Of many partitions these are written to, evenly spread: each needs open files on every replica. */
const SAMPLE = 1_000

/** Kills a node, not the active controller, that leads this many partitions, and sends records to them at that moment. */
export async function benchManyFailovers(partitions: number): Promise<void> {
  heading(`kill -9 of the node that leads ${partitions} partitions of three replicas`)
  const cluster = await LiveCluster.create('metadata')
  let isDone = false
  try {
    cluster.startAll()
    const client = cluster.client()
    await waitForBrokers(client, cluster.nodeIds.length)
    const { controllerId } = await client.admin().describeCluster()
    const [victim = 0, third = 0] = cluster.nodeIds.filter((nodeId) => nodeId !== controllerId)
    const from = performance.now()
    const topics = await makeTopics(client, partitions, [victim, controllerId, third])
    line('made, all in sync', `${((performance.now() - from) / 1_000).toFixed(1)} s`)
    const targets = sample(topics)
    const producer = client.producer({ lingerMs: 0 })
    // Twice: the first meets logs that were never written to.
    await sweep(producer, targets)
    say(`a record to ${targets.length}, nobody dies`, await sweep(producer, targets))
    const killedAt = performance.now()
    const killed = cluster.kill(victim)
    const [decidedMs, times] = await Promise.all([led(client, topics, victim).then(() => performance.now() - killedAt), sweep(producer, targets)])
    await killed
    line('all have another leader', `${decidedMs.toFixed(0)} ms, as clients are told`)
    say(`a record to ${targets.length}, from the kill`, times)
    await producer.close()
    await client.close()
    await cluster.stopAll()
    isDone = true
  } finally {
    await cluster.dispose({ keep: !isDone })
  }
}

interface Topic {
  readonly name: string
  readonly partitions: number
}

async function makeTopics(client: OxbowClient, partitions: number, replicas: readonly number[]): Promise<readonly Topic[]> {
  const topics: Topic[] = []
  for (let made = 0; made < partitions; made += A_TOPIC) {
    const topic = { name: `topic-${made}`, partitions: Math.min(A_TOPIC, partitions - made) }
    topics.push(topic)
    await client.admin().createTopic({ name: topic.name, assignment: Array.from({ length: topic.partitions }, () => replicas), timeoutMs: 120_000 })
  }
  for (const { name } of topics) await waitForFullIsr(client, name, 120_000)
  return topics
}

/** Until nobody leads what the victim led: one decision says so of all, asked of the first and the last. */
async function led(client: OxbowClient, topics: readonly Topic[], victim: number): Promise<void> {
  const ends = [topics[0], topics.at(-1)].map((topic) => topic?.name ?? '')
  await waitFor('another leader', 120_000, async () => {
    const found = await client.admin().describeTopics([...new Set(ends)])
    return found.every(({ partitions }) => partitions.every(({ leader }) => leader !== victim && leader !== -1)) ? true : undefined
  })
}

interface Target {
  readonly name: string
  readonly partition: number
}

function sample(topics: readonly Topic[]): readonly Target[] {
  const all = topics.flatMap(({ name, partitions }) => Array.from({ length: partitions }, (_, partition) => ({ name, partition })))
  const step = Math.max(1, all.length / SAMPLE)
  return Array.from({ length: Math.min(SAMPLE, all.length) }, (_, at) => all[Math.floor(at * step)] as Target)
}

/** ms to the acknowledgement of each, sorted. */
async function sweep(producer: Producer, targets: readonly Target[]): Promise<readonly number[]> {
  const from = performance.now()
  const times: number[] = []
  await Promise.all(
    targets.map(async ({ name, partition }) => {
      await producer.send({ topic: name, partition, value: 'beat' })
      times.push(performance.now() - from)
    }),
  )
  return times.toSorted((left, right) => left - right)
}

function say(what: string, times: readonly number[]): void {
  const [first, median, last] = [0, 0.5, 1].map((share) => quantile(times, share).toFixed(0))
  line(what, `first ${first} ms  median ${median} ms  last ${last} ms`)
}
