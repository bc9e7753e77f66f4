import { MAX_LABELLED_PARTITIONS } from './metric-facts.ts'
import type { MetricRow } from './metric-row.ts'
import { metricGroups } from './metric-table.ts'

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function line({ name, type, unit, labels, doc, panel }: MetricRow): string {
  const cells = [`\`${name}\``, type, unit, labels.map((label) => `\`${label}\``).join(', '), cell(doc), panel === null ? '' : cell(panel.title)]
  return `| ${cells.join(' | ')} |`
}

/** docs/metrics.md, from the one table. */
export function metricsDocument(): string {
  const lines = [
    '# Metrics',
    '',
    'Every node serves `/metrics` in the text format of Prometheus on its HTTP port. Names are those of Kafka where Kafka has the metric, as the example of the JMX exporter for KRaft',
    'writes them; the others begin with `oxbow_`. [deploy/prometheus.yml](../deploy/prometheus.yml) is a scrape config, [deploy/grafana-dashboard.json](../deploy/grafana-dashboard.json) a',
    'dashboard. This page and the dashboard are made from the table that the nodes use (`src/node/metric-table.ts`).',
    '',
    'Counters begin at 0 with the process. They are kept a batch or a request, never a record. A page is made when it is asked for.',
    `Series with the label \`partition\` are kept for at most ${MAX_LABELLED_PARTITIONS.toLocaleString('en-US')} replicas a node; what lies beyond counts in the sums, and in \`oxbow_unlabelled_partitions\`.`,
    'Histograms have buckets from 0.25 ms to 30 s.',
    '',
    '```console stays needs=curl',
    '$ npx oxbow dev',
    '…',
    'First acknowledged record after … ms.',
    '```',
    '',
    '```console needs=curl',
    "$ curl --silent http://127.0.0.1:9292/metrics | grep 'activebrokercount'",
    '# HELP kafka_controller_kafkacontroller_activebrokercount …',
    '# TYPE kafka_controller_kafkacontroller_activebrokercount gauge',
    'kafka_controller_kafkacontroller_activebrokercount 3',
    '```',
  ]
  for (const { title, metrics } of metricGroups)
    lines.push('', `## ${title}`, '', '| metric | type | unit | labels | what it says | panel |', '|---|---|---|---|---|---|', ...metrics.map(line))
  lines.push('', "prom-client's other default metrics of the process, the heap and the garbage collector are on the page too.", '')
  return lines.join('\n')
}
