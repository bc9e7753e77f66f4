import { textWidth } from './text-width.ts'

export interface Column<Row> {
  readonly heading: string
  readonly value: (row: Row) => string | number
  /** Numbers stand right. */
  readonly right?: boolean
}

const GAP = '  '

function pad(text: string, width: number, right: boolean): string {
  const filling = ' '.repeat(Math.max(0, width - textWidth(text)))
  return right ? filling + text : text + filling
}

/** Aligned columns under one line of headings, no boxes: `awk` reads it too. The last column is not padded. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], style: (heading: string) => string = (text) => text): string {
  const cells = rows.map((row) => columns.map((column) => String(column.value(row))))
  const widths = columns.map((column, at) => Math.max(textWidth(column.heading), ...cells.map((line) => textWidth(line[at] ?? ''))))
  const render = (line: readonly string[]): string =>
    line
      .map((text, at) => pad(text, widths[at] ?? 0, columns[at]?.right === true))
      .join(GAP)
      .trimEnd()
  return [style(render(columns.map((column) => column.heading))), ...cells.map(render)].map((line) => `${line}\n`).join('')
}

/** `Name: value` lines, as Kafka describes a quorum. */
export function renderFields(fields: readonly (readonly [name: string, value: string | number])[]): string {
  const width = Math.max(...fields.map(([name]) => textWidth(name))) + 1
  return fields.map(([name, value]) => `${pad(`${name}:`, width, false)} ${value}\n`).join('')
}

/** A list in one cell: `1,2,3`, and `-` for none so that columns stay countable. */
export function listCell(values: readonly (string | number)[]): string {
  return values.length === 0 ? '-' : values.join(',')
}
