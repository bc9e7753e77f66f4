import { parseAssignment } from './assignment.ts'
import type { CliContext } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { topicJson, topicText } from './topic-describe.ts'
import { topicsNamed } from './topic-names.ts'

/** As commander hands it over. */
export interface AlterTopicFlags {
  readonly partitions?: number
  readonly assignment?: string
  readonly config?: ReadonlyMap<string, string>
  readonly deleteConfig?: readonly string[]
  readonly dryRun?: boolean
}

/** Answers the topic as described. */
export async function alterTopic(context: CliContext, options: ClusterOptions, name: string, flags: AlterTopicFlags): Promise<number> {
  const { partitions, config, deleteConfig } = flags
  if (flags.assignment !== undefined && partitions === undefined)
    throw new UsageError('--assignment places partitions that are added', 'add --partitions, how many there shall be')
  if (partitions === undefined && config === undefined && deleteConfig === undefined)
    throw new UsageError('nothing is to be changed', 'add --partitions N, --config KEY=VALUE or --delete-config KEY')
  const both = deleteConfig?.find((key) => config?.has(key) === true)
  if (both !== undefined) throw new UsageError(`${both} is to be set and deleted`, 'leave one of them out')
  const topic = await withAdmin(context, options, async (admin) => {
    // A misspelt name is told from what was meant before anything is asked of the controller.
    await topicsNamed(admin, [name])
    return await admin.alterTopic({
      name,
      ...(partitions === undefined ? {} : { partitions }),
      ...(flags.assignment === undefined ? {} : { assignment: parseAssignment(flags.assignment) }),
      ...(config === undefined ? {} : { set: config }),
      ...(deleteConfig === undefined ? {} : { delete: deleteConfig }),
      ...(flags.dryRun === true ? { validateOnly: true } : {}),
    })
  })
  if (options.output === 'json') writeJson(context, topicJson(topic))
  else context.stdout.write(topicText(context, topic))
  if (flags.dryRun === true) context.stderr.write('Nothing was changed: this is how it would be.\n')
  return exitCode.done
}
