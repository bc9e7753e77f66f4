import { type TopicConfigRow, topicConfigRows } from './topic-configs.ts'

const LAWFUL_DEFAULT = 'floor(RF/2)+1'

function defaultText(row: TopicConfigRow): string {
  return row.default === null ? LAWFUL_DEFAULT : String(row.default)
}

/** What a value may be: words, or the least and the greatest number. */
function rangeText(row: TopicConfigRow): string {
  if (row.type === 'enum') return row.values.join(', ')
  if (row.max === null) return `${row.min} to RF`
  return row.max === Number.MAX_SAFE_INTEGER ? `${row.min} or more` : `${row.min} to ${row.max}`
}

/** The table of docs/configuration.md. */
export function topicConfigMarkdown(): string {
  const code = (text: string | null): string => (text === null ? '' : `\`${text}\``)
  const rows = topicConfigRows.map(
    (row) => `| ${code(row.key)} | ${defaultText(row)} | ${rangeText(row)} | ${row.unit ?? ''} | ${code(row.brokerKey)} | ${row.doc} |`,
  )
  return ['| config | default | values | unit | default for all topics of a node | what it is |', '|---|---|---|---|---|---|', ...rows].join('\n')
}

/** What stands below the options of `topic create --help`. */
export function topicConfigHelp(): string {
  const width = Math.max(...topicConfigRows.map(({ key }) => key.length))
  const lines = topicConfigRows.map(
    (row) => `  ${row.key.padEnd(width)}  ${rangeText(row)}${row.unit === null ? '' : ` ${row.unit}`}; default ${defaultText(row)}`,
  )
  return ['Configs of a topic (docs/configuration.md; RF: its replication factor):', ...lines].join('\n')
}
