import type { Admin } from '../client/admin.ts'

/** What one broker says of its data folders. */
export type BrokerFolders = Awaited<ReturnType<Admin['describeLogDirs']>>

/** `orders-0` at broker 3. */
function replicaKey(nodeId: number, topic: string, partition: number): string {
  return `${nodeId}/${topic}-${partition}`
}

/** Replicas that stay away until their broker is started again, though it is up. */
export class OfflineReplicas {
  readonly #keys: ReadonlySet<string>

  constructor(folders: readonly BrokerFolders[]) {
    const keys = folders.flatMap(({ nodeId, folders: all }) =>
      all.flatMap(({ partitions }) => partitions.filter(({ isOffline }) => isOffline).map(({ topic, partition }) => replicaKey(nodeId, topic, partition))),
    )
    this.#keys = new Set(keys)
  }

  has(nodeId: number, topic: string, partition: number): boolean {
    return this.#keys.has(replicaKey(nodeId, topic, partition))
  }
}

function counted(replicas: number): string {
  return replicas === 1 ? 'its one replica is' : `its ${replicas} replicas are`
}

function named(partitions: readonly { readonly topic: string; readonly partition: number }[]): string {
  return partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(', ')
}

/** A sentence for each folder that failed, and for each where single logs did. */
export function folderReasons(folders: readonly BrokerFolders[]): string[] {
  return folders.flatMap(({ nodeId, folders: all }) =>
    all.flatMap(({ path, error, partitions }) => {
      const offline = partitions.filter(({ isOffline }) => isOffline)
      if (error !== null)
        return [
          `Broker ${nodeId}: its data folder ${path} failed (${error}): ${counted(offline.length)} offline, the others serve. Next: mend that disk, or put an empty folder there, then restart node ${nodeId}; what is missing comes from the other replicas.`,
        ]
      const failed = offline.filter(({ isDamaged }) => !isDamaged)
      const damaged = offline.filter(({ isDamaged }) => isDamaged)
      const next = `Next: oxbow replica list --unhealthy says why; then restart node ${nodeId}`
      return [
        ...(failed.length === 0 ? [] : [`Broker ${nodeId}: the logs of ${named(failed)} in ${path} failed and are offline. ${next}.`]),
        ...(damaged.length === 0
          ? []
          : [`Broker ${nodeId}: the logs of ${named(damaged)} in ${path} are damaged, and serve nothing before its next start. ${next}, which repairs them.`]),
      ]
    }),
  )
}
