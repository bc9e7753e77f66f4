import type { Admin } from '../client/admin.ts'
import { type ConfigEntry, configColumns, configJson, isDefault } from './config-entry.ts'
import { type CliContext, headingStyle } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { renderTable } from './table.ts'
import { topicsNamed } from './topic-names.ts'

export type ConfigResourceName = { readonly type: 'topic'; readonly name: string } | { readonly type: 'broker'; readonly nodeId: number }

export function parseResource(type: 'topic' | 'broker', name: string): ConfigResourceName {
  if (type === 'topic') return { type, name }
  if (!/^\d{1,9}$/.test(name)) throw new UsageError(`"${name}" is no broker id`, 'see: oxbow cluster describe')
  return { type, nodeId: Number(name) }
}

export async function configEntries(admin: Admin, resource: ConfigResourceName): Promise<readonly ConfigEntry[]> {
  if (resource.type === 'topic') await topicsNamed(admin, [resource.name])
  const found = await admin.describeConfigs(resource.type === 'topic' ? { topics: [resource.name] } : { brokers: [resource.nodeId] })
  return found[0]?.entries ?? []
}

/** Writes the entries, or only those that are no defaults. */
export function writeConfigs(context: CliContext, options: ClusterOptions, resource: ConfigResourceName, all: readonly ConfigEntry[], isAll: boolean): void {
  const entries = isAll ? all : all.filter((entry) => !isDefault(entry))
  const name = resource.type === 'topic' ? resource.name : String(resource.nodeId)
  if (options.output === 'json') {
    writeJson(context, { type: resource.type, name, configs: entries.map(configJson) })
    return
  }
  context.stdout.write(renderTable(configColumns, entries, headingStyle(context)))
  if (!isAll && entries.length < all.length)
    context.stderr.write(`${all.length - entries.length} more have their defaults: oxbow config describe ${resource.type} ${name} --all\n`)
}

export async function describeConfig(context: CliContext, options: ClusterOptions, resource: ConfigResourceName, isAll: boolean): Promise<number> {
  const entries = await withAdmin(context, options, (admin) => configEntries(admin, resource))
  writeConfigs(context, options, resource, entries, isAll)
  return exitCode.done
}
