import { lookAtCluster } from './cluster-look.ts'
import type { CliContext } from './context.ts'
import { exitCode } from './failure.ts'
import { healthReasons } from './health-reasons.ts'
import type { ClusterOptions } from './options.ts'
import { openClient, writeJson } from './session.ts'

const QUORUM_TIMEOUT_MS = 5_000

/** Exit 1 when it is not healthy; what is wrong is the answer then, not an error. */
export async function clusterHealth(context: CliContext, options: ClusterOptions): Promise<number> {
  const client = await openClient(context, options)
  let reasons: string[]
  try {
    const admin = client.admin({ totalTimeoutMs: options.timeoutMs })
    const quorumAdmin = client.admin({ totalTimeoutMs: Math.min(options.timeoutMs, QUORUM_TIMEOUT_MS) })
    reasons = healthReasons(await lookAtCluster(admin, quorumAdmin, context.probeTcp))
  } finally {
    await client.close()
  }
  const healthy = reasons.length === 0
  if (options.output === 'json') writeJson(context, { healthy, reasons })
  else context.stdout.write(healthy ? 'The cluster is healthy.\n' : `The cluster is not healthy.\n${reasons.map((reason) => `- ${reason}\n`).join('')}`)
  return healthy ? exitCode.done : exitCode.refused
}
