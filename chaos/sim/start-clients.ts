import type { Producer } from '../../src/client/producer.ts'
import { pathOf } from '../check/durable-folders.ts'
import type { History } from '../history.ts'
import type { SimCluster } from './cluster.ts'
import type { Load } from './load.ts'
import { readIntoHistory } from './reader.ts'
import { brokerIds, LEAST_VOTERS, type Settings } from './settings.ts'

export interface ClientsOptions {
  readonly cluster: SimCluster
  readonly load: Load
  readonly history: History
  readonly settings: Settings
  /** Is told of each client's work that goes on by itself: when it fails the run has. */
  readonly watch: (running: Promise<void>) => void
}

/** What is sent to a topic that is gone waits no longer. */
const PASSING_TIMEOUT_MS = 10_000

/** The clients that a seed has drawn, each on a machine of its own: they go on until the load is stopped, readers for ever. Answers the producers. */
export function startClients(options: ClientsOptions): readonly Producer[] {
  const { cluster, load, settings, watch } = options
  startPassingTopic(options)
  startFolderMoves(options)
  const admin = cluster.addClient('admin')
  for (const topic of settings.topics) admin.clock.after(topic.atMs, () => watch(load.createTopic(admin.client, topic)))
  startOperators(options)
  const producers = startProducers(options)
  if (settings.deleteGapMs !== null) {
    const deleter = cluster.addClient('deleter')
    watch(load.deleteRecords(deleter.client, { gapMs: settings.deleteGapMs, random: deleter.random.fork('what to delete') }))
  }
  startConsumers(options)
  return producers
}

function startPassingTopic({ cluster, load, settings, watch }: ClientsOptions): void {
  const { passingGapMs, topics } = settings
  const [first] = topics
  if (passingGapMs === null || first === undefined) return
  const { client, random } = cluster.addClient('operator of a passing topic')
  const producer = client.producer({ deliveryTimeoutMs: PASSING_TIMEOUT_MS })
  const options = { gapMs: passingGapMs, replicationFactor: first.replicationFactor, random: random.fork('what passes') }
  watch(load.passTopics(client, producer, options))
}

function startFolderMoves({ cluster, load, settings, watch }: ClientsOptions): void {
  const { folders, folderMoveGapMs } = settings
  if (folders === 1 || folderMoveGapMs === null) return
  const { client, random } = cluster.addClient('operator of data folders')
  const paths = Array.from({ length: folders }, (_, at) => pathOf(at))
  const options = { gapMs: folderMoveGapMs, brokers: brokerIds(settings), paths, random: random.fork('what to move') }
  watch(load.moveFolders(client, options))
}

function startOperators({ cluster, load, settings, watch }: ClientsOptions): void {
  const { voters, controllers, alterGapMs, maintenanceGapMs, voterGapMs, voterOperators } = settings
  const brokers = brokerIds(settings)
  if (alterGapMs !== null) {
    const { client, random } = cluster.addClient('operator')
    watch(load.alter(client, { gapMs: alterGapMs, brokers, random: random.fork('what to alter') }))
  }
  if (maintenanceGapMs !== null) {
    const { client, random } = cluster.addClient('broker operator')
    watch(load.maintain(client, { gapMs: maintenanceGapMs, brokers, random: random.fork('what to maintain') }))
  }
  for (let at = 0; voterGapMs !== null && at < voterOperators; at++) {
    const { client, random } = cluster.addClient(at === 0 ? 'quorum operator' : `quorum operator ${at}`)
    const among = { controllers: Array.from({ length: controllers }, (_, at) => at + 1), voters, least: LEAST_VOTERS }
    watch(load.changeVoters(client, { gapMs: voterGapMs, ...among, random: random.fork('whom to change') }))
  }
}

function startProducers({ cluster, load, settings, watch }: ClientsOptions): Producer[] {
  const { producers, sendGapMs, burstOneIn } = settings
  return Array.from({ length: producers }, (_, at) => {
    const { client, random } = cluster.addClient(`producer ${at}`)
    const deliveryTimeoutMs = random.integer(3) === 0 ? 3_000 + random.integer(20_000) : 120_000
    // gzip alone is here at once: a simulation waits for no package.
    const compression = random.integer(8) === 0 ? 'gzip' : 'none'
    const producer = client.producer({ deliveryTimeoutMs, batchBytes: random.integer(2) === 0 ? 65_536 : 400, compression })
    watch(load.produce(producer, `p${at}`, { gapMs: sendGapMs, burstOneIn, random: random.fork('what to send') }))
    return producer
  })
}

function startConsumers({ cluster, load, history, settings, watch }: ClientsOptions): void {
  for (let at = 0; at < settings.consumers; at++) {
    const { client, clock } = cluster.addClient(`consumer ${at}`)
    watch(readIntoHistory(client, `c${at}`, history, { clock, topics: () => load.topics, stopped: () => false }))
  }
}
