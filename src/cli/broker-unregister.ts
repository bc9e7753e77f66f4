import type { CliContext } from './context.ts'
import { exitCode } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'

/** As commander hands it over. */
export interface UnregisterFlags {
  readonly dryRun?: boolean
}

/** Takes a broker that is gone for good out of the metadata. */
export async function unregisterBroker(context: CliContext, options: ClusterOptions, nodeId: number, flags: UnregisterFlags): Promise<number> {
  const dryRun = flags.dryRun === true
  await withAdmin(context, options, (admin) => admin.unregisterBroker({ nodeId, validateOnly: dryRun }))
  if (options.output === 'json') writeJson(context, { nodeId, unregistered: !dryRun, dryRun })
  else if (dryRun) context.stdout.write(`Broker ${nodeId} can be unregistered. Nothing was changed.\n`)
  else context.stdout.write(`Unregistered broker ${nodeId}. A process started under that id again joins as a new broker.\n`)
  return exitCode.done
}
