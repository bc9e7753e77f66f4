import { brokerRow, renderBrokers } from './broker-rows.ts'
import type { CliContext } from './context.ts'
import { exitCode } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { renderFields } from './table.ts'

export async function describeCluster(context: CliContext, options: ClusterOptions): Promise<number> {
  const cluster = await withAdmin(context, options, (admin) => admin.describeCluster())
  const { clusterId, controllerId } = cluster
  const brokers = cluster.brokers.map(brokerRow)
  if (controllerId === -1) context.stderr.write('warning: no controller is active, so the states of the nodes may be out of date (see: oxbow quorum status)\n')
  if (options.output === 'json') {
    writeJson(context, { clusterId, controllerId, brokers })
    return exitCode.done
  }
  const head = renderFields([
    ['ClusterId', clusterId ?? '-'],
    ['ControllerId', controllerId],
  ])
  context.stdout.write(head + renderBrokers(context, brokers))
  return exitCode.done
}
