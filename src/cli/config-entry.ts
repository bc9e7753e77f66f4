import type { Admin } from '../client/admin.ts'
import type { Column } from './table.ts'

export type ConfigEntry = Awaited<ReturnType<Admin['describeConfigs']>>[number]['entries'][number]

/** Where a value comes from, in one word. */
function sourceOf({ source }: ConfigEntry): string {
  switch (source) {
    case 'DYNAMIC_TOPIC_CONFIG':
      return 'topic'
    case 'STATIC_BROKER_CONFIG':
      return 'broker'
    case 'DEFAULT_CONFIG':
      return 'default'
  }
}

export function isDefault({ source }: ConfigEntry): boolean {
  return source === 'DEFAULT_CONFIG'
}

/** null: it depends, as `doc` says. */
export function configJson({ name, value, defaultValue, source, unit, doc, readOnly }: ConfigEntry): Readonly<Record<string, unknown>> {
  return { name, value, default: defaultValue, source, unit, doc, readOnly }
}

/** What a config is for goes last: it is longest. */
export const configColumns: readonly Column<ConfigEntry>[] = [
  { heading: 'Config', value: (entry) => entry.name },
  { heading: 'Value', value: (entry) => entry.value ?? '-', right: true },
  { heading: 'Default', value: (entry) => entry.defaultValue ?? '-', right: true },
  { heading: 'Unit', value: (entry) => entry.unit ?? '-' },
  { heading: 'Source', value: sourceOf },
  { heading: 'Doc', value: (entry) => entry.doc },
]
