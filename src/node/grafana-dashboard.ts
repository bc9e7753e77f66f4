import { assert } from '../base/assert.ts'
import type { MetricRow, MetricUnit, PanelRow } from './metric-row.ts'
import { metricGroups } from './metric-table.ts'

/** Grafana's grid. */
const GRID_WIDTH = 24
const STAT = { width: 4, height: 4 }
const GRAPH = { width: 8, height: 8 }
const HEADING_HEIGHT = 1
/** Of Grafana 10; later ones read it. */
const SCHEMA_VERSION = 39
const DATASOURCE = { type: 'prometheus', uid: '$datasource' }
const ORDER: readonly PanelRow['group'][] = ['Health', 'Traffic', 'Requests', 'Quorum', 'Logs and disks', 'Process']
const MATCHER = '{instance=~"$instance"}'

type Shown = MetricRow & { readonly panel: PanelRow }

function shownMetrics(): Shown[] {
  return metricGroups.flatMap((group) => group.metrics).filter((row): row is Shown => row.panel !== null)
}

interface Query {
  readonly expr: string
  readonly legendFormat: string
}

function lastWord(name: string): string {
  return (
    name
      .replace(/_total$/, '')
      .split('_')
      .at(-1) ?? name
  )
}

function queriesOf({ name, type, labels, panel }: Shown): readonly Query[] {
  const { show, by } = panel
  switch (show) {
    case 'sum':
    case 'max':
      return by === undefined
        ? [{ expr: `${show}(${name}${MATCHER})`, legendFormat: panel.title }]
        : [{ expr: `${show} by (${by}) (${name}${MATCHER})`, legendFormat: `{{${by}}}` }]
    case 'node':
      return [{ expr: `${name}${MATCHER}`, legendFormat: ['instance', ...labels].map((label) => `{{${label}}}`).join(' ') }]
    case 'rate': {
      const label = by ?? 'instance'
      const isShared = shownMetrics().some((other) => other.name !== name && other.panel.title === panel.title)
      const legendFormat = isShared ? `${lastWord(name)} {{${label}}}` : `{{${label}}}`
      return [{ expr: `sum by (${label}) (rate(${name}${MATCHER}[$__rate_interval]))`, legendFormat }]
    }
    case 'quantile': {
      assert(type === 'histogram', 'percentiles are of histograms')
      const label = by ?? 'instance'
      return [0.5, 0.99].map((quantile) => ({
        expr: `histogram_quantile(${quantile}, sum by (le, ${label}) (rate(${name}_bucket${MATCHER}[$__rate_interval])))`,
        legendFormat: `{{${label}}} p${quantile * 100}`,
      }))
    }
  }
}

function grafanaUnit(unit: MetricUnit, show: PanelRow['show']): string {
  if (unit === 'bytes') return show === 'rate' ? 'Bps' : 'bytes'
  if (unit === 'ms') return 'ms'
  if (unit === 'seconds') return show === 'rate' ? 'percentunit' : 's'
  return 'short'
}

interface Place {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

function thresholds(alarmFrom: number | undefined): object {
  const steps: object[] = [{ color: 'green', value: null }]
  if (alarmFrom !== undefined) steps.push({ color: 'red', value: alarmFrom })
  return { mode: 'absolute', steps }
}

function isStat({ show, by }: PanelRow): boolean {
  return (show === 'sum' || show === 'max') && by === undefined
}

function panelOf(id: number, rows: readonly Shown[], gridPos: Place): object {
  const first = rows[0] as Shown
  const { panel, unit } = first
  const queries = rows.flatMap(queriesOf)
  const shared = {
    id,
    title: panel.title,
    description: rows.map((row) => row.doc).join('\n\n'),
    datasource: DATASOURCE,
    gridPos,
    targets: queries.map(({ expr, legendFormat }, at) => ({ refId: String.fromCharCode(65 + at), datasource: DATASOURCE, expr, legendFormat })),
  }
  const defaults = { unit: grafanaUnit(unit, panel.show), min: unit === 'id' ? null : 0, thresholds: thresholds(panel.alarmFrom) }
  if (isStat(panel)) {
    const options = { reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false }, colorMode: 'value', graphMode: 'area', textMode: 'auto' }
    return { ...shared, type: 'stat', fieldConfig: { defaults, overrides: [] }, options }
  }
  const options = { legend: { displayMode: 'list', placement: 'bottom', showLegend: true }, tooltip: { mode: 'multi', sort: 'desc' } }
  return { ...shared, type: 'timeseries', fieldConfig: { defaults: { ...defaults, custom: { fillOpacity: 10, lineWidth: 1 } }, overrides: [] }, options }
}

/** Panels of one group from left to right, a new line when one is full. */
function layOut(panels: readonly (readonly Shown[])[], fromY: number, firstId: number): { readonly panels: object[]; readonly endY: number } {
  const laid: object[] = []
  let x = 0
  let y = fromY
  let lineHeight = 0
  for (const [at, rows] of panels.entries()) {
    const { width, height } = isStat((rows[0] as Shown).panel) ? STAT : GRAPH
    if (x + width > GRID_WIDTH) {
      x = 0
      y += lineHeight
      lineHeight = 0
    }
    laid.push(panelOf(firstId + at, rows, { x, y, w: width, h: height }))
    x += width
    lineHeight = Math.max(lineHeight, height)
  }
  return { panels: laid, endY: y + lineHeight }
}

function byTitle(rows: readonly Shown[]): (readonly Shown[])[] {
  const titles = new Map<string, Shown[]>()
  for (const row of rows) titles.set(row.panel.title, [...(titles.get(row.panel.title) ?? []), row])
  // Single numbers first, so that they share lines.
  return [...titles.values()].sort((a, b) => Number(isStat((b[0] as Shown).panel)) - Number(isStat((a[0] as Shown).panel)))
}

function variables(): object[] {
  return [
    {
      name: 'datasource',
      label: 'Data source',
      type: 'datasource',
      query: 'prometheus',
      current: {},
      hide: 0,
      refresh: 1,
      multi: false,
      includeAll: false,
      options: [],
    },
    {
      name: 'instance',
      label: 'Node',
      type: 'query',
      datasource: DATASOURCE,
      definition: 'label_values(oxbow_serving, instance)',
      query: { query: 'label_values(oxbow_serving, instance)', refId: 'instance' },
      refresh: 2,
      sort: 1,
      multi: true,
      includeAll: true,
      allValue: '.*',
      current: { selected: true, text: ['All'], value: ['$__all'] },
      hide: 0,
      options: [],
    },
  ]
}

/** deploy/grafana-dashboard.json, from the table of metrics: a row a group, a panel a title. */
export function grafanaDashboard(): object {
  const panels: object[] = []
  const shown = shownMetrics()
  let y = 0
  let id = 1
  for (const group of ORDER) {
    const rows = byTitle(shown.filter((row) => row.panel.group === group))
    panels.push({ id: id++, type: 'row', title: group, collapsed: false, gridPos: { x: 0, y, w: GRID_WIDTH, h: HEADING_HEIGHT }, panels: [] })
    const laid = layOut(rows, y + HEADING_HEIGHT, id)
    panels.push(...laid.panels)
    id += rows.length
    y = laid.endY
  }
  return {
    uid: 'oxbow-cluster',
    title: 'Oxbow',
    tags: ['oxbow'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    timepicker: {},
    timezone: 'browser',
    templating: { list: variables() },
    annotations: { list: [] },
    links: [],
    panels,
  }
}
