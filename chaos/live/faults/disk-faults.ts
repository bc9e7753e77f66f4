import { sleep } from '../cluster-process.ts'
import { type Ailment, healthy } from '../disk/ailing-disk.ts'
import { type Fault, type FaultWorld, nodesText, pickMinority, pickSome, pickUpMinority, type RunningFault } from './fault.ts'
import { Killings } from './killings.ts'
import { SlowedSyncs } from './slowed-syncs.ts'

const SYNC_DELAY_MIN_MS = 50
const SYNC_DELAY_SPREAD_MS = 450
const DARK_MS = 1_000
/** A node that another fault has started meanwhile is slow again. */
const TELL_AGAIN_MS = 1_000

/** What is not synced is gone: of all nodes at once, or of a minority. */
async function losePower(world: FaultWorld): Promise<RunningFault> {
  const { cluster, random } = world
  const nodes = random.integer(2) === 0 ? cluster.nodeIds : pickMinority(world)
  const killings = new Killings(world)
  await killings.losePower(nodes)
  await sleep(random.integer(DARK_MS))
  await killings.startAgain()
  return {
    detail: nodesText(nodes),
    observe: async () => killings.observe(),
    heal: async () => undefined,
  }
}

async function slowDown(world: FaultWorld): Promise<RunningFault> {
  const { cluster, random } = world
  const nodes = pickUpMinority(world)
  const syncDelayMs = SYNC_DELAY_MIN_MS + random.integer(SYNC_DELAY_SPREAD_MS)
  const syncs = new SlowedSyncs(cluster, nodes, syncDelayMs)
  let isHealing = false
  const slowing = (async () => {
    while (!isHealing) {
      await syncs.order()
      await sleep(TELL_AGAIN_MS)
    }
  })()
  // Whoever heals it is told.
  slowing.catch(() => undefined)
  return {
    detail: `${nodesText(nodes)}, ${syncDelayMs} ms`,
    observe: async () => {
      await syncs.order()
      return { isSeen: syncs.count > 0, what: `${syncs.count} syncs were slowed` }
    },
    heal: async () => {
      isHealing = true
      await slowing
      await syncs.cure()
    },
  }
}

/** The node may go on without what failed, or end: it is started again in the end, as an operator would with a new disk cable. */
async function fail(world: FaultWorld, failWith: NonNullable<Ailment['failWith']>): Promise<RunningFault> {
  const { cluster, random } = world
  const [node] = pickSome(random, cluster.nodeIds, 1) as [number]
  const fromLine = cluster.live.log(node).length
  cluster.expectEnd(node)
  await cluster.orderDisk(node, { ...healthy, failWith })
  return {
    detail: nodesText([node]),
    observe: async () => {
      const report = await cluster.orderDisk(node)
      if (report !== undefined) return { isSeen: report.failed > 0, what: `${report.failed} calls failed, the node went on` }
      const end = cluster.live.endOf(node)
      return { isSeen: end === 1, what: `the node ended itself (${end})` }
    },
    heal: async () => {
      await cluster.killNode(node)
      cluster.startNode(node)
      await cluster.untilListening(node, fromLine)
    },
  }
}

const ofDisks = { kind: 'process', needs: 'disks' } as const

export const diskFaults: readonly Fault[] = [
  { name: 'power-loss', about: 'all nodes, or a minority, lose what is not synced', minNodes: 3, ...ofDisks, begin: losePower },
  { name: 'disk-error', about: 'every write of one node fails', minNodes: 3, ...ofDisks, begin: (world) => fail(world, 'EIO') },
  { name: 'disk-full', about: 'there is no room left on one node', minNodes: 3, ...ofDisks, begin: (world) => fail(world, 'ENOSPC') },
  { name: 'slow-disk', about: 'every sync of a minority takes 50 to 500 ms longer', minNodes: 3, needs: 'disks', kind: 'disk', begin: slowDown },
]
