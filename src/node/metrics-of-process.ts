import { type MetricRow, one, type PanelRow } from './metric-row.ts'

function library(name: string, type: MetricRow['type'], unit: MetricRow['unit'], doc: string, panel: PanelRow | null): MetricRow {
  return { name, type, unit, labels: [], doc, panel, collect: null }
}

/** Those of prom-client's that say something about a node; it exports some more of the heap and the collector. */
export const processMetrics: readonly MetricRow[] = [
  library('process_cpu_seconds_total', 'counter', 'seconds', 'CPU time of the process.', { group: 'Process', title: 'CPU', show: 'rate' }),
  library('process_resident_memory_bytes', 'gauge', 'bytes', 'Memory of the process.', { group: 'Process', title: 'Memory', show: 'node' }),
  library(
    'nodejs_eventloop_lag_p99_seconds',
    'gauge',
    'seconds',
    'Event loop delay, 99th percentile since the last scrape. A node decides on one thread: above 0.1 it is overloaded.',
    {
      group: 'Process',
      title: 'Event loop delay, p99',
      show: 'node',
    },
  ),
  library('nodejs_heap_size_used_bytes', 'gauge', 'bytes', 'Heap in use; batches lie outside of it.', { group: 'Process', title: 'Heap used', show: 'node' }),
  library('nodejs_external_memory_bytes', 'gauge', 'bytes', 'Memory of buffers: batches in the caches and on their way.', {
    group: 'Process',
    title: 'Buffers',
    show: 'node',
  }),
  library('process_open_fds', 'gauge', 'count', 'Open files and connections.', { group: 'Process', title: 'Open files', show: 'node' }),
  one({
    name: 'oxbow_log_ring_dropped_lines_total',
    type: 'counter',
    unit: 'count',
    doc: 'Lines of the log that are no longer served at /debug/log, which keeps the last 1 MiB.',
    panel: null,
    value: ({ meters }) => meters.ring.droppedLines,
  }),
]
