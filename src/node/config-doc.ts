import { type ConfigKey, configKeys } from './config-keys.ts'
import { nodeVariables, otherVariables, variableOf } from './environment.ts'

function valuesOf(key: ConfigKey): string {
  if (key.type === 'enum') return key.values.join(', ')
  return key.max === Number.MAX_SAFE_INTEGER ? `${key.min} or more` : `${key.min} to ${key.max}`
}

function otherNamesOf(key: ConfigKey): string {
  const scaled = key.type === 'int' ? Object.keys(key.scaledNames ?? {}) : []
  return [...key.names.slice(1), ...scaled].map((name) => `\`${name}\``).join(', ')
}

/** The table of `config` keys, as docs/configuration.md has it. */
export function configKeysMarkdown(): string {
  const rows = configKeys.map((key) => `| \`${key.names[0]}\` | ${otherNamesOf(key)} | ${key.default ?? ''} | ${valuesOf(key)} | ${key.meaning} |`)
  return ['| key | other names | default | values | what it is |', '|---|---|---|---|---|', ...rows].join('\n')
}

/** The table of environment variables, as docs/configuration.md has it. */
export function variablesMarkdown(): string {
  const rows = [...otherVariables, ...nodeVariables].map(({ name, meaning }) => `| \`${name}\` | ${meaning} |`)
  const configs = `| \`OXBOW_CONFIG_<KEY>\` | a key of \`config\` in capitals, dots as underscores: \`${variableOf('log.retention.ms')}\` for \`log.retention.ms\` |`
  return ['| variable | what it is |', '|---|---|', ...rows, configs, '| `NO_COLOR` | set to anything: no colours in tables |'].join('\n')
}
