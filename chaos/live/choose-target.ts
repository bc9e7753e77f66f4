import { SeededRandom } from '../../src/base/random.ts'
import { AttachedCluster } from './attached-cluster.ts'
import type { OthersNodes, OwnNodes } from './run-options.ts'
import { chooseClientFaults, chooseFaults, chooseNamespaceFaults } from './faults/catalogue.ts'

export interface TargetChoice {
  /** As `--faults` has it. */
  readonly faults: string
  /** Addresses of a cluster that runs already, or how many nodes to start. */
  readonly on: readonly string[] | number
  readonly seed: number
  /** Nodes that are started run in network namespaces. */
  readonly namespaces: boolean
}

/** What an experiment is made on. Rejects with a FaultListError before anybody is asked, and with what AttachedCluster.attach does. */
export async function chooseTarget({
  faults,
  on,
  seed,
  namespaces,
}: TargetChoice): Promise<Pick<OwnNodes, 'nodes' | 'faults' | 'namespaces'> | Pick<OthersNodes, 'attached' | 'nodes' | 'faults'>> {
  if (typeof on === 'number') return { nodes: on, namespaces, faults: (namespaces ? chooseNamespaceFaults : chooseFaults)(faults, on) }
  // A name that is wrong is so with any number of nodes.
  chooseClientFaults(faults, Number.POSITIVE_INFINITY)
  const attached = await AttachedCluster.attach({ bootstrap: on, random: new SeededRandom(seed).fork('network') })
  const nodes = attached.nodeIds.length
  try {
    return { attached, nodes, faults: chooseClientFaults(faults, nodes) }
  } catch (error) {
    await attached.close()
    throw error
  }
}
