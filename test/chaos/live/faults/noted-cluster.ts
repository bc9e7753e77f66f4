import { join } from 'node:path'
import type { ChaosCluster } from '../../../../chaos/live/chaos-cluster.ts'
import type { FaultWorld, RunningFault } from '../../../../chaos/live/faults/fault.ts'
import { faults } from '../../../../chaos/live/faults/catalogue.ts'
import { SeededRandom } from '../../../../src/base/random.ts'
import type { Admin } from '../../../../src/client/admin.ts'

/** A cluster that only notes what is done to its nodes, in order. Their folders are those in `folder`. */
export class NotedCluster {
  readonly log: string[] = []
  readonly down = new Set<number>()
  /** Of each node, whenever it is asked. */
  unsyncedBytes = 0
  readonly #offsets = new Map<number, number>()
  readonly world: FaultWorld

  constructor(nodes: number, options: { readonly admin?: Partial<Admin>; readonly folder?: string; readonly seed?: number } = {}) {
    const { admin = {}, folder = '', seed = 1 } = options
    const note = (what: string, node: number): void => void this.log.push(`${what} ${node}`)
    const slowed = new Map<number, number>()
    const end = async (what: string, node: number): Promise<void> => {
      note(what, node)
      this.down.add(node)
      slowed.delete(node)
    }
    const nodeIds = Array.from({ length: nodes }, (_, at) => at + 1)
    const isUp = (node: number): boolean => !this.down.has(node)
    const cluster = {
      nodeIds,
      get upNodes(): readonly number[] {
        return nodeIds.filter(isUp)
      },
      haltNodes: (halted: readonly number[]) => {
        for (const node of halted) note('halt', node)
        return () => {
          for (const node of halted) note('wake', node)
        }
      },
      stateOf: async () => 'Tl',
      live: { log: () => [], endOf: () => 'SIGKILL', dataDir: (node: number) => join(folder, String(node)) },
      killNode: (node: number) => end('kill', node),
      stopNode: (node: number) => end('stop', node),
      startNode: (node: number) => {
        note('start', node)
        this.down.delete(node)
      },
      untilListening: async () => undefined,
      orderDisk: async (node: number, ailment?: { readonly syncDelayMs: number }) => {
        if (this.down.has(node)) return undefined
        if (ailment !== undefined) note(ailment.syncDelayMs > 0 ? 'slow' : 'cure', node)
        const before = slowed.get(node) ?? 0
        slowed.set(node, before + 3)
        return { slowed: before, failed: 0, unsyncedBytes: this.unsyncedBytes }
      },
      orderClock: async (node: number, offsetMs = 0) => {
        if (this.down.has(node)) return undefined
        this.#offsets.set(node, offsetMs)
        return { type: 'clock report', wallMs: Date.now() + offsetMs }
      },
    } as unknown as ChaosCluster
    this.world = {
      cluster,
      admin: admin as Admin,
      random: new SeededRandom(seed),
      isOurs: () => true,
      leaders: () => Promise.resolve({ controller: 1, broker: 2 }),
    }
  }

  /** `isOurs`: topics of the load; default: all. */
  async begin(name: string, isOurs: FaultWorld['isOurs'] = () => true): Promise<RunningFault> {
    const fault = faults.find((one) => one.name === name)
    if (fault === undefined) throw new Error(`there is no fault "${name}"`)
    return await fault.begin({ ...this.world, isOurs })
  }

  /** Of the clocks that were shifted, by node. */
  get offsets(): ReadonlyMap<number, number> {
    return this.#offsets
  }
}
