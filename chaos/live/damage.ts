import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, readSync, rmSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { OxbowClient } from '../../src/client/client.ts'
import { peekBatchSize } from '../../src/record/batch.ts'
import { LiveCluster, type LogLine, sleep, waitFor, waitForFullIsr, waitForBrokers } from './cluster-process.ts'
import { Load } from './load.ts'
import { compareReadBack, type PlacedLine } from './read-back.ts'

const TOPIC = 'damage'
/** The node that is hurt: the preferred leader, so that it leads before and is asked to again. */
const VICTIM = 1
const ALL_NODES_MS = 60_000
/** Two checkpoints (rules 8: every 5 s) have been written by then. */
const SETTLED_MS = 11_000
const SEGMENT_BYTES = 1024 * 1024
/** Into a batch, behind its header: a record's bytes. */
const FLIP_AT_BYTES = 100

interface Stage {
  readonly cluster: LiveCluster
  readonly client: OxbowClient
  readonly load: Load
  /** Lines of the victim's log before it was hurt. */
  readonly logged: number
}

interface Case {
  readonly name: string
  readonly verdict: string
  readonly config?: Readonly<Record<string, number>>
  /** The node is down. Answers what was done, as a sentence. */
  readonly hurt: (folder: string) => string
  /** Brings the node back and waits for the words that must be in its log. Answers the verdict that it found and the line. */
  readonly recover: (stage: Stage) => Promise<{ readonly verdict: string; readonly line: string }>
}

const partitionFolder = (folder: string): string => join(folder, 'partitions', `${TOPIC}-0`)

function segmentsOf(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => join(folder, name))
}

/** Where the batches of a segment begin, in bytes; a last one that is cut off is not among them. */
function batchesOf(path: string): { readonly position: number; readonly sizeBytes: number }[] {
  const bytes = readFileSync(path)
  const batches = []
  for (let position = 0; ; ) {
    const sizeBytes = peekBatchSize(bytes, position)
    if (sizeBytes === undefined || sizeBytes <= 0 || position + sizeBytes > bytes.length) return batches
    batches.push({ position, sizeBytes })
    position += sizeBytes
  }
}

function flipByte(path: string, position: number): void {
  const file = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, position)
  writeSync(file, Buffer.from([(byte[0] ?? 0) ^ 0x01]), 0, 1, position)
  fsyncSync(file)
  closeSync(file)
}

function last<T>(items: readonly T[]): T {
  const item = items.at(-1)
  if (item === undefined) throw new Error('there is nothing to hurt yet')
  return item
}

function tearTail(folder: string): string {
  const segment = last(segmentsOf(partitionFolder(folder)))
  const batch = last(batchesOf(segment))
  truncateSync(segment, batch.position + Math.floor(batch.sizeBytes / 2))
  return `the last batch is cut in half, at byte ${batch.position}`
}

function flipIn(folder: string, segment: string, batch: { readonly position: number }): string {
  flipByte(segment, batch.position + FLIP_AT_BYTES)
  return `a byte is flipped in ${segment.slice(folder.length + 1)}, in the batch at byte ${batch.position}`
}

function flipLastBatch(folder: string): string {
  const segment = last(segmentsOf(partitionFolder(folder)))
  return flipIn(folder, segment, last(batchesOf(segment)))
}

function flipFirstBatch(folder: string, segment: string): string {
  return flipIn(folder, segment, { position: 0 })
}

const isPartitionLine = (line: LogLine): boolean => line.topic === TOPIC && line.partition === 0

/** Starts the node again; its log says how the partition was recovered. */
async function restart({ cluster, logged }: Stage): Promise<{ verdict: string; line: string }> {
  cluster.start(VICTIM)
  const line = await cluster.waitForLog(VICTIM, logged, 'how the partition was recovered', (one) => isPartitionLine(one) && one.msg.startsWith('recovered'))
  return { verdict: String(line.verdict), line: line.msg }
}

async function restartDamaged(stage: Stage): Promise<{ verdict: string; line: string }> {
  const found = await restart(stage)
  await stage.cluster.waitForLog(VICTIM, stage.logged, 'that the replica is repaired', (one) => isPartitionLine(one) && one.msg.startsWith('replica repaired'))
  return found
}

/**
 * A closed segment below the marks is not read at start, but its CRC is checked when it is served: the node must lead and be read from the beginning.
 * It then stops serving, another leads, and its next start repairs it.
 */
async function leadAndServe(stage: Stage): Promise<{ verdict: string; line: string }> {
  const { cluster, client, logged } = stage
  await restart(stage)
  await waitForFullIsr(client, TOPIC)
  const leader = await leaderOf(client)
  await cluster.kill(leader)
  await waitFor(`node ${VICTIM} leads again`, ALL_NODES_MS, async () => ((await leaderOf(client)) === VICTIM ? true : undefined))
  cluster.start(leader)
  await waitForFullIsr(client, TOPIC)
  await readAll(client)
  const line = await cluster.waitForLog(VICTIM, logged, 'that it stopped serving', (one) => isPartitionLine(one) && one.msg.startsWith('replica offline'))
  await cluster.end(VICTIM, 'SIGTERM')
  const found = await restartDamaged({ ...stage, logged: cluster.log(VICTIM).length })
  return { verdict: `found when served, then ${found.verdict}`, line: line.msg }
}

async function leaderOf(client: OxbowClient): Promise<number> {
  const [topic] = await client.admin().describeTopics([TOPIC])
  return topic?.partitions[0]?.leader ?? -1
}

async function restartMetadata({ cluster, logged }: Stage): Promise<{ verdict: string; line: string }> {
  cluster.start(VICTIM)
  const line = await cluster.waitForLog(VICTIM, logged, 'how the metadata log was recovered', (one) => one.msg.startsWith('metadata log recovered'))
  await cluster.waitForLog(VICTIM, logged, 'that the voter counts again', (one) => one.msg.startsWith('metadata log repaired'))
  return { verdict: String(line.verdict), line: line.msg }
}

async function restartWiped({ cluster, client, logged }: Stage): Promise<{ verdict: string; line: string }> {
  cluster.start(VICTIM)
  const line = await cluster.waitForLog(VICTIM, logged, 'that it is an observer', (one) => one.msg.startsWith('this node is an observer'))
  await waitFor('the wiped node is an observer of the quorum', ALL_NODES_MS, async () => {
    const { status } = await client.admin().describeQuorum()
    return status.observers.includes(VICTIM) ? true : undefined
  })
  return { verdict: 'observer', line: line.msg }
}

const cases: readonly Case[] = [
  { name: 'torn-tail', verdict: 'torn', hurt: tearTail, recover: restart },
  { name: 'flip-last-batch', verdict: 'torn', hurt: flipLastBatch, recover: restart },
  {
    name: 'flip-older-batch',
    verdict: 'damaged',
    hurt: (folder) => flipFirstBatch(folder, last(segmentsOf(partitionFolder(folder)))),
    recover: restartDamaged,
  },
  {
    name: 'flip-closed-segment',
    verdict: 'found when served, then damaged',
    config: { 'log.segment.bytes': SEGMENT_BYTES, 'tail.cache.bytes': 8 * SEGMENT_BYTES },
    hurt: (folder) => flipFirstBatch(folder, segmentsOf(partitionFolder(folder))[0] as string),
    recover: leadAndServe,
  },
  {
    name: 'flip-metadata',
    verdict: 'damaged',
    hurt: (folder) => flipFirstBatch(folder, segmentsOf(join(folder, 'metadata'))[0] as string),
    recover: restartMetadata,
  },
  {
    name: 'lost-level',
    verdict: 'whole',
    hurt: (folder) => {
      rmSync(join(folder, 'checkpoints'), { recursive: true })
      return 'the level folder is gone'
    },
    recover: restart,
  },
  {
    name: 'wiped-node',
    verdict: 'observer',
    hurt: (folder) => {
      rmSync(folder, { recursive: true })
      return 'the whole data folder is gone'
    },
    recover: restartWiped,
  },
]

/** Everything up to the high watermark of now. */
async function readAll(client: OxbowClient): Promise<PlacedLine[]> {
  const end = (await client.admin().listOffsets(TOPIC, 'latest'))[0]?.offset ?? 0
  const consumer = client.consumer()
  await consumer.assign([{ topic: TOPIC, partition: 0, offset: 'earliest' }])
  const read: PlacedLine[] = []
  const deadline = performance.now() + ALL_NODES_MS
  while (consumer.position(TOPIC, 0) < end && performance.now() < deadline) {
    for (const { partition, offset, value } of await consumer.poll({ maxRecords: 5_000 })) read.push({ partition, offset, value: value?.toString() ?? '' })
  }
  await consumer.close()
  return read
}

interface Outcome {
  readonly name: string
  readonly verdict: string
  readonly line: string
  readonly acknowledged: number
  readonly faults: readonly string[]
}

async function play(one: Case, cluster: LiveCluster, client: OxbowClient): Promise<Outcome> {
  cluster.startAll()
  await waitForBrokers(client, cluster.nodeIds.length, ALL_NODES_MS)
  await client.admin().createTopic({ name: TOPIC, assignment: [[1, 2, 3]] })
  const load = new Load(client, TOPIC)
  await sleep(SETTLED_MS)
  await waitFor('enough was acknowledged', ALL_NODES_MS, () => (load.acknowledgedBytes > 5 * SEGMENT_BYTES ? true : undefined))
  await cluster.kill(VICTIM)
  const logged = cluster.log(VICTIM).length
  console.log(`${one.name}: ${one.hurt(cluster.dataDir(VICTIM))}`)
  const { verdict, line } = await one.recover({ cluster, client, load, logged })
  await waitForFullIsr(client, TOPIC)
  await load.stop()
  const read = await readAll(client)
  const { violations } = compareReadBack({ sent: load.sent, acknowledged: load.acknowledged, refused: new Set(), read })
  const faults = [...violations]
  if (verdict !== one.verdict) faults.push(`the verdict is "${verdict}", expected "${one.verdict}"`)
  if (load.failures.length > 0) faults.push(`${load.failures.length} records were not acknowledged, the first: ${load.failures[0]}`)
  return { name: one.name, verdict, line, acknowledged: load.acknowledged.length, faults }
}

/** One case on a fresh cluster under load. What breaks it off is a fault too. */
async function runCase(one: Case): Promise<Outcome> {
  const cluster = await LiveCluster.create(`damage-${one.name}`, one.config === undefined ? {} : { config: one.config })
  const client = cluster.client()
  let outcome: Outcome = { name: one.name, verdict: '-', line: '-', acknowledged: 0, faults: ['it broke off'] }
  try {
    outcome = await play(one, cluster, client)
  } catch (error) {
    outcome = { ...outcome, faults: [error instanceof Error ? error.message : String(error)] }
  } finally {
    await client.close()
    await cluster.dispose({ keep: outcome.faults.length > 0 })
  }
  return outcome
}

/** Files are hurt as disks hurt them; each is noticed, said and repaired, and nothing acknowledged is lost. */
export async function damage(names: readonly string[]): Promise<boolean> {
  const chosen = names.length === 0 ? cases : cases.filter((one) => names.includes(one.name))
  if (chosen.length === 0) throw new Error(`no such case; there are ${cases.map((one) => one.name).join(', ')}`)
  const outcomes: Outcome[] = []
  for (const one of chosen) outcomes.push(await runCase(one))
  console.log('')
  for (const { name, verdict, line, acknowledged, faults } of outcomes) {
    console.log(
      `${faults.length === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(20)} ${verdict.padEnd(32)} ISR ${faults.length === 0 ? 'full' : '?'}, ${acknowledged} acknowledged`,
    )
    console.log(`       its log: ${line}`)
    for (const fault of faults) console.log(`       ${fault}`)
  }
  return outcomes.every((outcome) => outcome.faults.length === 0)
}
