import type { Admin } from '../client/admin.ts'
import { type CliContext, headingStyle } from './context.ts'
import { exitCode } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { renderTable } from './table.ts'

export interface VoterChoice {
  readonly nodeId: number
  readonly directoryId: string | undefined
  readonly dryRun: boolean
}

type VotersChange = Awaited<ReturnType<Admin['addVoter']>>

/** What came of it, or would. */
function sentence(change: 'add' | 'remove', { nodeId, dryRun }: VoterChoice, { isChanged }: VotersChange): string {
  const isVoter = change === 'add'
  if (!isChanged) return `Nothing to do: node ${nodeId} is a voter already.`
  if (dryRun) return `Node ${nodeId} would ${isVoter ? 'become a voter' : 'be a voter no more'}. Nothing was changed.`
  return isVoter ? `Node ${nodeId} is a voter now.` : `Node ${nodeId} is a voter no more: it goes on as an observer, and may be stopped.`
}

/** Changes who votes in the metadata quorum; prints the voters as they are then. */
export async function changeVoters(context: CliContext, options: ClusterOptions, change: 'add' | 'remove', choice: VoterChoice): Promise<number> {
  const { nodeId, directoryId, dryRun } = choice
  const asked = { nodeId, validateOnly: dryRun, ...(directoryId === undefined ? {} : { directoryId }) }
  const changed = await withAdmin(context, options, (admin) => (change === 'add' ? admin.addVoter(asked) : admin.removeVoter(asked)))
  const voters = changed.voters.map((voter) => ({ nodeId: voter.nodeId, directoryId: voter.directoryId }))
  if (options.output === 'json') {
    writeJson(context, { nodeId, changed: changed.isChanged && !dryRun, dryRun, voters, warnings: changed.warnings })
    return exitCode.done
  }
  context.stderr.write(`${sentence(change, choice, changed)}\n`)
  for (const warning of changed.warnings) context.stderr.write(`warning: ${warning}\n`)
  context.stdout.write(
    renderTable(
      [
        { heading: 'NodeId', value: (voter) => voter.nodeId, right: true },
        { heading: 'DirectoryId', value: (voter) => voter.directoryId ?? '-' },
      ],
      voters,
      headingStyle(context),
    ),
  )
  return exitCode.done
}
