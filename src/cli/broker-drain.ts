import { brokerRow, type BrokerRow, renderBrokers } from './broker-rows.ts'
import type { CliContext } from './context.ts'
import { exitCode, UsageError } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { waitUntil, withAdmin, writeJson } from './session.ts'

/** As commander hands it over. */
export interface DrainFlags {
  readonly cancel?: boolean
  readonly wait?: boolean
}

async function drain(context: CliContext, options: ClusterOptions, nodeId: number, flags: DrainFlags): Promise<BrokerRow> {
  const asked = { nodeId, maintenance: flags.cancel !== true }
  let broker = await withAdmin(context, options, (admin) => admin.alterMaintenance(asked))
  if (flags.wait === true && broker.leaders > 0) {
    await waitUntil(context, options, async (admin) => {
      // Asked anew for what is so, a node answers the broker as it is by then.
      broker = await admin.alterMaintenance(asked)
      return broker.leaders === 0
    })
  }
  return brokerRow(broker)
}

function sentence({ nodeId, leaders }: BrokerRow, isCancel: boolean): string {
  if (isCancel)
    return `Broker ${nodeId} is in maintenance no more. Leaderships come back to it by themselves within minutes; at once: oxbow partition elect --all.`
  if (leaders === 0) return `Broker ${nodeId} is in maintenance: it leads nothing, and may be stopped.`
  const what = leaders === 1 ? '1 partition that' : `${leaders} partitions that`
  return `Broker ${nodeId} is in maintenance, but still leads ${what} no other replica in sync can lead now. Next: oxbow topic list --unhealthy; --wait waits for them.`
}

/** Puts a broker into maintenance, or takes it out; prints the broker as it is then. Ends with 1 while it still leads something. */
export async function drainBroker(context: CliContext, options: ClusterOptions, nodeId: number, flags: DrainFlags): Promise<number> {
  const isCancel = flags.cancel === true
  if (isCancel && flags.wait === true)
    throw new UsageError('--wait waits until a broker leads nothing, and --cancel lets it lead again', 'leave one of them out')
  const row = await drain(context, options, nodeId, flags)
  context.stderr.write(`${sentence(row, isCancel)}\n`)
  if (options.output === 'json') writeJson(context, row)
  else context.stdout.write(renderBrokers(context, [row]))
  return isCancel || row.leaders === 0 ? exitCode.done : exitCode.refused
}
