import type { ConfigEntry } from './config-entry.ts'
import { configEntries, writeConfigs } from './config-describe.ts'
import type { CliContext } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin } from './session.ts'
import { topicsNamed } from './topic-names.ts'

/** As commander hands it over. */
export interface AlterConfigFlags {
  readonly set?: ReadonlyMap<string, string>
  readonly delete?: readonly string[]
  readonly dryRun?: boolean
}

/** What is no longer set counts as default: what the cluster file says instead is not asked. */
function asAltered(entries: readonly ConfigEntry[], configs: ReadonlyMap<string, string>): ConfigEntry[] {
  return entries.map((entry) => {
    const value = configs.get(entry.name)
    if (value !== undefined) return { ...entry, value, source: 'DYNAMIC_TOPIC_CONFIG' }
    return entry.source === 'DYNAMIC_TOPIC_CONFIG' ? { ...entry, value: entry.defaultValue, source: 'DEFAULT_CONFIG' } : entry
  })
}

/** All of it in one decision; answers the configs that are no defaults then. */
export async function alterTopicConfig(context: CliContext, options: ClusterOptions, name: string, flags: AlterConfigFlags): Promise<number> {
  const { set, delete: removed, dryRun } = flags
  if (set === undefined && removed === undefined) throw new UsageError('nothing is to be changed', 'add --set KEY=VALUE or --delete KEY')
  const both = removed?.find((key) => set?.has(key) === true)
  if (both !== undefined) throw new UsageError(`${both} is to be set and deleted`, 'leave one of them out')
  const resource = { type: 'topic', name } as const
  const entries = await withAdmin(context, options, async (admin) => {
    await topicsNamed(admin, [name])
    const altered = await admin.alterTopic({
      name,
      ...(set === undefined ? {} : { set }),
      ...(removed === undefined ? {} : { delete: removed }),
      ...(dryRun === true ? { validateOnly: true } : {}),
    })
    const now = await configEntries(admin, resource)
    return dryRun === true ? asAltered(now, altered.configs) : now
  })
  writeConfigs(context, options, resource, entries, false)
  if (dryRun === true) context.stderr.write('Nothing was changed: this is how it would be.\n')
  return exitCode.done
}
