import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { onLines } from './cli-process.ts'
import { type LiveCluster, waitFor, waitForBrokers } from './cluster-process.ts'

/** A program of examples/grpc that takes bootstrap addresses, a topic and a count, as it is started. */
export interface ExampleProgram {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly folder: string
}

const RECORDS = 3_000
const KILL_AT = 'produced 500'
const START_LIMIT_MS = 180_000
const END_LIMIT_MS = 300_000

/**
 * Runs the program against a cluster of three, and kills the leader of its partition in the middle of its work; the node is started again
 * afterwards. Answers what does not hold, as sentences: what the program says of itself is not taken for granted.
 */
export async function runThroughKill(cluster: LiveCluster, program: ExampleProgram): Promise<readonly string[]> {
  const client = cluster.client()
  try {
    await waitForBrokers(client, cluster.nodeIds.length, START_LIMIT_MS)
    const topic = `numbers-${program.name}`
    const leaderOf = async (): Promise<number> => (await client.admin().describeTopics([topic]))[0]?.partitions[0]?.leader ?? -1
    const child = spawn(program.command, [...program.args, cluster.bootstrap.join(','), topic, String(RECORDS)], {
      cwd: program.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said: string[] = []
    const errors: string[] = []
    onLines(child.stdout, (line) => said.push(line))
    onLines(child.stderr, (line) => errors.push(line))
    const ended = once(child, 'close') as Promise<[code: number | null]>
    const limit = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS)
    await waitFor(`${program.name} says "${KILL_AT}"`, END_LIMIT_MS, () => (said.includes(KILL_AT) || child.exitCode !== null ? true : undefined))
    const killed = await leaderOf()
    await cluster.kill(killed)
    const [code] = await ended
    clearTimeout(limit)
    const faults: string[] = []
    const address = cluster.bootstrap[killed - 1] ?? 'no node'
    if (code !== 0 || said.at(-1) !== `${RECORDS} records, each once and in order`)
      faults.push(`${program.name} ended with ${code}: ${[...said.slice(-2), ...errors.slice(-5)].join(' | ')}`)
    if (!errors.some((line) => line.startsWith(`${address}: `))) faults.push(`${program.name} did not meet the death of node ${killed} (${address})`)
    if ((await leaderOf()) === killed) faults.push(`node ${killed} still leads the partition of ${topic}`)
    faults.push(...(await readBack(cluster, topic)))
    cluster.start(killed)
    return faults
  } finally {
    await client.close()
  }
}

/** The partition as our own client reads it: the numbers from 0 on, and nothing else. */
async function readBack(cluster: LiveCluster, topic: string): Promise<readonly string[]> {
  const client = cluster.client()
  const consumer = client.consumer()
  try {
    const [latest] = await client.admin().listOffsets(topic, 'latest')
    if (latest?.offset !== RECORDS) return [`${topic} holds ${latest?.offset} records, ${RECORDS} were produced`]
    await consumer.assign([{ topic, partition: 0, offset: 'earliest' }])
    for (let expected = 0; expected < RECORDS; ) {
      for (const { offset, value } of await consumer.poll()) {
        if (offset !== expected || value?.toString() !== String(expected))
          return [`offset ${offset} of ${topic} holds ${value?.toString()}, expected ${expected}`]
        expected += 1
      }
    }
    return []
  } finally {
    await consumer.close()
    await client.close()
  }
}
