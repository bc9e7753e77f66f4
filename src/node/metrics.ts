import type * as Prometheus from 'prom-client'
import { assert } from '../base/assert.ts'
import { Histogram } from './histogram.ts'
import { type Facts, gatherFacts, type Meters, type MetricsSource } from './metric-facts.ts'
import type { MetricRow, Sample } from './metric-row.ts'
import { metricGroups } from './metric-table.ts'

/** As prom-client's registry takes it from any metric. */
interface PrometheusValue {
  readonly metricName?: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

function histogramValues(name: string, labels: Sample['labels'], histogram: Histogram): PrometheusValue[] {
  const counts = histogram.cumulative()
  const buckets = histogram.bounds.map((bound, at) => ({ metricName: `${name}_bucket`, labels: { ...labels, le: bound }, value: counts[at] ?? 0 }))
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: histogram.count },
    { metricName: `${name}_sum`, labels, value: histogram.sum },
    { metricName: `${name}_count`, labels, value: histogram.count },
  ]
}

function valuesOf(row: MetricRow, samples: Iterable<Sample>): PrometheusValue[] {
  const values: PrometheusValue[] = []
  for (const { labels, value } of samples) {
    assert(value instanceof Histogram === (row.type === 'histogram'), 'a histogram, and nothing else, has a histogram for its value')
    if (value instanceof Histogram) values.push(...histogramValues(row.name, labels, value))
    else values.push({ labels, value })
  }
  return values
}

/**
 * The page behind /metrics, made from the one table. The node is looked at once a page, when it is asked for: one that nobody watches pays for its
 * counters alone. prom-client is loaded with the first request.
 */
export class MetricsPage {
  readonly #source: MetricsSource
  readonly #meters: Meters
  #registry: Promise<Prometheus.Registry> | undefined
  #facts: Facts | undefined
  /** Ends with the turn of the last long metric that was asked for. */
  #turn: Promise<void> = Promise.resolve()

  constructor(source: MetricsSource, meters: Meters) {
    this.#source = source
    this.#meters = meters
  }

  async render(): Promise<string> {
    this.#registry ??= import('prom-client').then((prometheus) => this.#build(prometheus))
    const registry = await this.#registry
    this.#facts = gatherFacts(this.#source, this.#meters)
    try {
      return await registry.metrics()
    } finally {
      this.#facts = undefined
    }
  }

  #build(prometheus: typeof Prometheus): Prometheus.Registry {
    const registry = new prometheus.Registry()
    for (const row of metricGroups.flatMap((group) => group.metrics)) this.#register(registry, row)
    prometheus.collectDefaultMetrics({ register: registry })
    return registry
  }

  /** The registry asks each metric for what it is; prom-client's own would keep a second copy of every value. */
  #register(registry: Prometheus.Registry, row: MetricRow): void {
    const { name, doc, type, collect } = row
    if (collect === null) return
    const get = async (): Promise<object> => {
      if (row.labels.includes('partition')) await this.#ownTurn()
      // A second page may be asked for while the first is being made.
      this.#facts ??= gatherFacts(this.#source, this.#meters)
      return { name, help: doc, type, aggregator: 'sum', values: valuesOf(row, collect(this.#facts)) }
    }
    registry.registerMetric({ name, get } as unknown as Prometheus.Metric)
  }

  /** A line a partition takes milliseconds to write: what waits for the node comes in between. */
  #ownTurn(): Promise<void> {
    this.#turn = this.#turn.then(() => new Promise((resolve) => setImmediate(resolve)))
    return this.#turn
  }
}
