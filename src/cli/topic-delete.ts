import { confirm } from './confirm.ts'
import type { CliContext } from './context.ts'
import { exitCode } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { topicsMatching, topicsNamed } from './topic-names.ts'

export interface DeleteTopicsFlags {
  readonly yes: boolean
  readonly regex: boolean
}

export async function deleteTopics(context: CliContext, options: ClusterOptions, asked: readonly string[], { yes, regex }: DeleteTopicsFlags): Promise<number> {
  const found = regex ? await withAdmin(context, options, (admin) => topicsMatching(admin, asked)) : undefined
  const names = found?.map((topic) => topic.name) ?? [...new Set(asked)]
  const question = `Delete ${names.join(', ')} with all records?`
  const refusal = yes ? undefined : await confirm(context, { question, doing: `deleting ${names.join(', ')}`, refused: 'Nothing was deleted.' })
  if (refusal !== undefined) return refusal
  const deleted: string[] = []
  try {
    await withAdmin(context, options, async (admin) => {
      // All names are looked at first: a misspelt last one must not leave the job half done.
      await topicsNamed(admin, names)
      for (const name of names) {
        await admin.deleteTopic(name)
        deleted.push(name)
        if (options.output === 'table') context.stdout.write(`Deleted topic ${name}\n`)
      }
    })
  } finally {
    // What is gone is told, also when the next one could not be deleted.
    if (options.output === 'json' && deleted.length > 0) writeJson(context, deleted)
  }
  return exitCode.done
}
