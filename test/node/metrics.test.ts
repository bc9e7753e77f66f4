import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { NodeView, ReplicaView } from '../../src/broker/surface.ts'
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts'
import type { PartitionState } from '../../src/metadata/records.ts'
import { DiskMeter } from '../../src/node/disk-meter.ts'
import { grafanaDashboard } from '../../src/node/grafana-dashboard.ts'
import { LogRing } from '../../src/node/log-ring.ts'
import { MAX_LABELLED_PARTITIONS, type Meters, type MetricsSource } from '../../src/node/metric-facts.ts'
import { metricGroups } from '../../src/node/metric-table.ts'
import { MetricsPage } from '../../src/node/metrics.ts'
import { metricsDocument } from '../../src/node/metrics-page-doc.ts'
import { RequestMeter } from '../../src/node/request-meter.ts'
import { Traffic } from '../../src/wire/traffic.ts'
import { FakeLog } from '../chaos/check/fake-log.ts'

const ROOT = join(import.meta.dirname, '../..')
const TOPIC = 'a'.repeat(32)
const table = metricGroups.flatMap((group) => group.metrics)
/** Node 1 leads the even partitions; of those, partition 0 has one in-sync replica, partition 2 two. */
const members = [1, 2, 3].map((nodeId) => ({ nodeId, brokerEpoch: 5 }))

function isrOf(partition: number): typeof members {
  return members.slice(0, partition === 0 ? 1 : partition === 2 ? 2 : 3)
}

function stateOf(partition: number): PartitionState {
  const epochs = { leaderEpoch: 1, leaderGrantedOffset: 1, partitionEpoch: 1 }
  const leader = partition === 5 ? -1 : partition % 2 === 0 ? 1 : 2
  return { topicId: TOPIC, partition, replicas: [1, 2, 3], isr: isrOf(partition), elr: [], leader, unclean: false, reassignment: null, ...epochs }
}

function viewOf(partition: number): ReplicaView {
  const role = partition === 3 ? 'offline' : partition % 2 === 0 ? 'leader' : 'follower'
  const numbers = { leaderEpoch: 1, partitionEpoch: 1, highWatermark: 7 + partition, logStartOffset: partition }
  return { topic: 'orders', topicId: TOPIC, partition, log: new FakeLog(), role, isr: isrOf(partition), suspect: false, damaged: partition === 3, ...numbers }
}

class FakeNode implements MetricsSource {
  readonly count: number
  readonly image: MetadataImage
  readonly counters = { appendedBytes: 11, copiedBytes: 12, writeCalls: 13, syncCalls: 14, rounds: 15 }
  readonly isActiveController = true
  readonly isServing = true

  constructor(count: number) {
    this.count = count
    const partitions = Array.from({ length: count }, (_, at) => stateOf(at))
    this.image = { ...emptyImage, offset: 40, topics: new Map([[TOPIC, { topicId: TOPIC, name: 'orders', partitions, configs: new Map() }]]) }
  }

  raft(): ReturnType<MetricsSource['raft']> {
    return {
      role: 'leader',
      voters: [],
      term: 3,
      leaderId: 1,
      commitIndex: 40,
      damagedBelow: null,
      startOffset: 20,
      endOffset: 42,
      snapshot: { endOffset: 30, lastTerm: 2, sizeBytes: 4_000, writtenMs: 1_700_000_000_000 },
    }
  }

  view(): NodeView {
    const changes = { isrShrinks: 21, isrExpands: 22, leaderElections: 23, uncleanLeaderElections: 24, raftElections: 25 }
    const peer = { directoryId: null, voter: true, counts: true, silentTicks: 0, laggingTicks: 0, isCaughtUp: true }
    const followers = [
      { ...peer, nodeId: 1, persistedEndOffset: 42 },
      { ...peer, nodeId: 2, persistedEndOffset: 39 },
    ]
    return { brokerEpoch: 5, lastRefusal: null, isStopping: false, isDiskLow: false, offlineFolders: 2, connected: [2, 3], followers, changes }
  }

  /** Not in the order of the page. */
  replicas(): readonly ReplicaView[] {
    return Array.from({ length: this.count }, (_, at) => viewOf(this.count - 1 - at))
  }
}

function newMeters(): Meters {
  return { requests: new RequestMeter(), disk: new DiskMeter(), traffic: new Traffic(), ring: new LogRing() }
}

/** Every series of a page with its value. */
function seriesOf(text: string): Map<string, number> {
  const series = new Map<string, number>()
  for (const line of text.split('\n')) {
    const match = /^([^#\s][^{\s]*(?:\{.*\})?) (\S+)$/.exec(line)
    if (match !== null) series.set(match[1] as string, Number(match[2]))
  }
  return series
}

describe('the page of metrics', () => {
  let meters: Meters

  beforeEach(() => {
    meters = newMeters()
  })

  function render(node = new FakeNode(6)): Promise<string> {
    return new MetricsPage(node, meters).render()
  }

  it('judges partitions as Kafka does', async () => {
    const series = seriesOf(await render())
    const expected = {
      kafka_controller_kafkacontroller_activecontrollercount: 1,
      kafka_controller_kafkacontroller_offlinepartitionscount: 1,
      kafka_controller_kafkacontroller_globalpartitioncount: 6,
      kafka_server_replicamanager_partitioncount: 6,
      kafka_server_replicamanager_leadercount: 3,
      kafka_server_replicamanager_underreplicatedpartitions: 2,
      kafka_server_replicamanager_underminisrpartitioncount: 1,
      kafka_server_replicamanager_atminisrpartitioncount: 1,
      kafka_server_replicamanager_offlinereplicacount: 1,
      kafka_log_logmanager_offlinelogdirectorycount: 2,
      kafka_server_replicamanager_isrshrinks_total: 21,
      oxbow_damaged_replicas: 1,
      oxbow_log_appended_bytes_total: 11,
      'oxbow_raft_follower_lag{follower="2"}': 3,
      'kafka_server_raft_metrics_current_state_info{state="leader"}': 1,
      kafka_server_broker_metadata_metrics_last_applied_record_offset: 39,
      oxbow_raft_log_start_offset: 20,
      oxbow_metadata_snapshot_end_offset: 30,
      oxbow_metadata_snapshot_timestamp_ms: 1_700_000_000_000,
      kafka_server_snapshotemitter_latestsnapshotgeneratedbytes: 4_000,
      'oxbow_partition_high_watermark{topic="orders",partition="4"}': 11,
      'kafka_log_log_logstartoffset{topic="orders",partition="4"}': 4,
      'kafka_cluster_partition_insyncreplicascount{topic="orders",partition="2"}': 2,
    }
    expect(Object.fromEntries(Object.keys(expected).map((name) => [name, series.get(name)]))).toEqual(expected)
    expect(series.has('oxbow_raft_follower_lag{follower="1"}')).toBe(false)
    expect(series.has('kafka_cluster_partition_insyncreplicascount{topic="orders",partition="1"}')).toBe(false)
  })

  it('has requests, topics, syncs and space as they were counted, from the first page on', async () => {
    const produce = meters.requests.kind('Produce')
    produce.answered(performance.now(), ['NOT_LEADER_OR_FOLLOWER', 'NOT_LEADER_OR_FOLLOWER'])
    produce.totalMs.observe(7)
    produce.totalMs.observe(60_000)
    Object.assign(meters.requests.topic(TOPIC), { records: 5, bytesIn: 6, bytesOut: 7 })
    meters.requests.topic('b'.repeat(32)).records = 9
    meters.disk.syncMs.observe(0.2)
    meters.disk.noteSpace('/data/1', { freeBytes: 100, totalBytes: 200 })
    meters.disk.noteSpace('/data/2', { freeBytes: 300, totalBytes: 400 })
    const series = seriesOf(await render())
    const bucket = (le: string): number | undefined => series.get(`kafka_network_requestmetrics_totaltimems_bucket{request="Produce",le="${le}"}`)
    expect([bucket('5'), bucket('10'), bucket('30000'), bucket('+Inf')]).toEqual([1, 2, 2, 3])
    expect(series.get('kafka_network_requestmetrics_totaltimems_count{request="Produce"}')).toBe(3)
    expect(series.get('kafka_network_requestmetrics_totaltimems_sum{request="Produce"}')).toBeGreaterThanOrEqual(60_007)
    expect(series.get('kafka_network_requestmetrics_requests_total{request="Produce"}')).toBe(3)
    expect(series.get('kafka_network_requestmetrics_errors_total{request="Produce",error="NOT_LEADER_OR_FOLLOWER"}')).toBe(1)
    expect(series.get('kafka_server_brokertopicmetrics_messagesin_total{topic="orders"}')).toBe(5)
    expect(series.get('kafka_server_brokertopicmetrics_bytesout_total{topic="orders"}')).toBe(7)
    expect([...series.keys()].filter((name) => name.startsWith('kafka_server_brokertopicmetrics_messagesin'))).toHaveLength(1)
    expect(series.get('kafka_log_logflushstats_logflushrateandtimems_bucket{le="0.25"}')).toBe(1)
    expect([1, 2].map((folder) => series.get(`oxbow_disk_free_bytes{folder="/data/${folder}"}`))).toEqual([100, 300])
  })

  it('holds every metric of the table, and each only once', async () => {
    meters.requests.kind('Fetch').answered(performance.now(), ['OFFSET_OUT_OF_RANGE'])
    meters.requests.topic(TOPIC).records = 1
    meters.disk.noteSpace('/data/1', { freeBytes: 1, totalBytes: 2 })
    const text = await render()
    for (const { name, type, collect } of table) {
      expect(text.split(`\n# TYPE ${name} `).length - 1 + Number(text.startsWith(`# TYPE ${name} `)), name).toBe(1)
      if (collect !== null) expect(text, name).toContain(`# TYPE ${name} ${type}\n${name}`)
    }
  })

  it('two pages asked for at once are both whole, and what was counted between two pages is in the second', async () => {
    const page = new MetricsPage(new FakeNode(6), meters)
    const [one, two] = await Promise.all([page.render(), page.render()])
    expect(seriesOf(one).get('kafka_server_replicamanager_partitioncount')).toBe(6)
    expect([...seriesOf(two).keys()]).toEqual([...seriesOf(one).keys()])
    meters.traffic.count({ byteLength: 9 })
    expect(seriesOf(await page.render()).get('oxbow_grpc_message_bytes_total')).toBe(9)
  })

  it('labels the first 2,000 partitions of many, and sums all', async () => {
    const series = seriesOf(await render(new FakeNode(MAX_LABELLED_PARTITIONS + 500)))
    expect([...series.keys()].filter((name) => name.startsWith('kafka_log_log_size{'))).toHaveLength(MAX_LABELLED_PARTITIONS)
    expect(series.has(`kafka_log_log_size{topic="orders",partition="${MAX_LABELLED_PARTITIONS - 1}"}`)).toBe(true)
    expect(series.get('oxbow_unlabelled_partitions')).toBe(500)
    expect(series.get('kafka_server_replicamanager_partitioncount')).toBe(MAX_LABELLED_PARTITIONS + 500)
  })
})

const AGAIN = 'made anew by: npm run build && node scripts/metrics.mjs && npx biome format --write deploy'

interface DashboardPanel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly datasource: { readonly uid: string } }[]
}

interface Dashboard {
  readonly schemaVersion: number
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] }
  readonly panels: readonly DashboardPanel[]
}

describe('what is made from the table of metrics', () => {
  it('names are of Prometheus, of their type, and there once', () => {
    expect(new Set(table.map((row) => row.name)).size).toBe(table.length)
    for (const { name, type, doc, labels } of table) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/)
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      expect(doc, name).toMatch(/\.$/)
      for (const label of labels) expect(label).toMatch(/^[a-z]+$/)
    }
  })

  it('docs/metrics.md is fresh', () => {
    expect(readFileSync(join(ROOT, 'docs/metrics.md'), 'utf8'), AGAIN).toBe(metricsDocument())
  })

  it('the dashboard is fresh', () => {
    expect(JSON.parse(readFileSync(join(ROOT, 'deploy/grafana-dashboard.json'), 'utf8')), AGAIN).toEqual(JSON.parse(JSON.stringify(grafanaDashboard())))
  })

  it('the dashboard has a data source to choose, rows, and panels that lie beside each other and ask for what is there', () => {
    const { panels, templating, schemaVersion } = grafanaDashboard() as Dashboard
    expect(schemaVersion).toBeGreaterThanOrEqual(36)
    expect(templating.list.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['instance', 'query'],
    ])
    expect(new Set(panels.map((panel) => panel.id)).size).toBe(panels.length)
    const taken = new Set<string>()
    for (const { title, gridPos, type, targets } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x} ${y}`), `${title} lies on another panel`).toBe(false)
          taken.add(`${x} ${y}`)
        }
      if (type !== 'row') expect(targets?.length, title).toBeGreaterThan(0)
      expect(new Set(targets?.map((target) => target.refId)).size, title).toBe(targets?.length ?? 0)
      for (const target of targets ?? []) expect(target.datasource.uid).toBe('$datasource')
    }
    const shown = table.filter((row) => row.panel !== null)
    const expressions = panels.flatMap((panel) => panel.targets?.map((target) => target.expr) ?? [])
    for (const { name } of shown)
      expect(
        expressions.some((expr) => new RegExp(`\\b${name}(_bucket)?\\{`).test(expr)),
        name,
      ).toBe(true)
  })

  it('the alerts ask for metrics that there are', () => {
    const { groups } = parse(readFileSync(join(ROOT, 'deploy/prometheus-alerts.yml'), 'utf8')) as {
      groups: { rules: { alert: string; expr: string; annotations: { summary: string; action: string } }[] }[]
    }
    const rules = groups.flatMap((group) => group.rules)
    expect(rules.length).toBeGreaterThan(5)
    const known = new Set(table.flatMap(({ name, type }) => (type === 'histogram' ? [`${name}_bucket`] : [name])))
    for (const { alert, expr, annotations } of rules) {
      const asked = expr.match(/\b(?:kafka|oxbow|nodejs|process)_\w+/g) ?? []
      for (const name of asked) expect(known, alert).toContain(name)
      expect(alert === 'OxbowNodeDown' || asked.length > 0, alert).toBe(true)
      expect(Object.keys(annotations), alert).toEqual(['summary', 'action'])
    }
  })
})
