import type { Histogram } from './histogram.ts'
import type { Facts } from './metric-facts.ts'

export type MetricType = 'gauge' | 'counter' | 'histogram'
export type MetricUnit = 'bytes' | 'ms' | 'seconds' | 'offset' | 'count' | 'yes or no' | 'id'

/** One line of the page. Of a histogram: one set of labels. */
export type Sample = { readonly labels: Readonly<Record<string, string | number>>; readonly value: number | Histogram }

/**
 * How a dashboard draws it. Metrics with the same title share a panel.
 * sum, max: over all nodes · node: a line a node · rate: per second, a line for each value of `by` (a node when there is none) ·
 * quantile: the 50th and 99th percentile of a histogram, a line for each value of `by`.
 */
export interface PanelRow {
  readonly group: 'Health' | 'Traffic' | 'Requests' | 'Quorum' | 'Logs and disks' | 'Process'
  readonly title: string
  readonly show: 'sum' | 'max' | 'node' | 'rate' | 'quantile'
  readonly by?: string
  /** From this value on a single number turns red. */
  readonly alarmFrom?: number
}

/** One metric: what it is called, counted in, means, and where it is drawn. Page, documentation and dashboard are made from these. */
export interface MetricRow {
  readonly name: string
  readonly type: MetricType
  readonly unit: MetricUnit
  readonly labels: readonly string[]
  readonly doc: string
  /** null: no panel shows it. */
  readonly panel: PanelRow | null
  /** null: prom-client makes it by itself. */
  readonly collect: ((facts: Facts) => Iterable<Sample>) | null
}

type OneValue = Omit<MetricRow, 'labels' | 'collect'> & { readonly value: (facts: Facts) => number }

/** A metric with one value a node. */
export function one({ value, ...row }: OneValue): MetricRow {
  return { ...row, labels: [], collect: (facts) => [{ labels: {}, value: value(facts) }] }
}
