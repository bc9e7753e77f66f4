import { sleep } from '../cluster-process.ts'
import { type Fault, type FaultWorld, nodesText, type Observation, pickLeader, pickMinority, type RunningFault } from './fault.ts'
import { observeHalted } from './halted.ts'
import { Killings } from './killings.ts'

/** Between a kill and the start, and between a start and the next kill. */
const DOWN_MS = 1_000
const UP_MS = 2_000

async function killMinority(world: FaultWorld): Promise<RunningFault> {
  const nodes = pickMinority(world)
  const killings = new Killings(world)
  await killings.kill(nodes)
  return { detail: nodesText(nodes), observe: async () => killings.observe(), heal: () => killings.startAgain() }
}

async function killAll(world: FaultWorld): Promise<RunningFault> {
  const killings = new Killings(world)
  await killings.kill(world.cluster.nodeIds)
  await sleep(world.random.integer(DOWN_MS))
  await killings.startAgain()
  return { detail: 'all nodes at once', observe: async () => killings.observe(), heal: async () => undefined }
}

/** Does one turn after the other until it is healed; what a turn throws, healing throws. */
function inTurns(detail: string, turn: (isHealing: () => boolean) => Promise<void>, observe: () => Observation): RunningFault {
  let isHealing = false
  const turns = (async () => {
    while (!isHealing) await turn(() => isHealing)
  })()
  turns.catch(() => undefined)
  return {
    detail,
    observe: async () => observe(),
    heal: async () => {
      isHealing = true
      await turns
    },
  }
}

async function killLeaders(world: FaultWorld): Promise<RunningFault> {
  const killings = new Killings(world)
  const turn = async (): Promise<void> => {
    await sleep(DOWN_MS)
    await killings.startAgain()
    await sleep(UP_MS)
  }
  await killings.kill([await pickLeader(world)])
  return inTurns(
    'one leader after the other',
    async (isHealing) => {
      await turn()
      if (!isHealing()) await killings.kill([await pickLeader(world)])
    },
    () => killings.observe(),
  )
}

async function roll({ cluster }: FaultWorld): Promise<RunningFault> {
  const stopped: string[] = []
  const failed: string[] = []
  let next = 0
  const turn = async (): Promise<void> => {
    const node = cluster.nodeIds[next++ % cluster.nodeIds.length] as number
    const fromLine = cluster.live.log(node).length
    await cluster.stopNode(node)
    const end = cluster.live.endOf(node)
    if (end === 0) stopped.push(String(node))
    else failed.push(`${node} (${end})`)
    cluster.startNode(node)
    await cluster.untilListening(node, fromLine)
  }
  await turn()
  const what = (): string => (failed.length > 0 ? `SIGTERM did not end ${failed.join(', ')} cleanly` : `SIGTERM ended ${stopped.join(', ')}`)
  return inTurns('one node after the other', turn, () => ({ isSeen: failed.length === 0, what: what() }))
}

async function pause(world: FaultWorld, nodes: readonly number[]): Promise<RunningFault> {
  const wake = world.cluster.haltNodes(nodes)
  return {
    detail: nodesText(nodes),
    observe: () => observeHalted(world, nodes),
    heal: async () => wake(),
  }
}

export const processFaults: readonly Fault[] = [
  { name: 'kill', about: 'SIGKILL ends a minority; they start again in the end', kind: 'process', minNodes: 3, begin: killMinority },
  { name: 'kill-leader', about: 'SIGKILL ends the active controller or who leads the most, again and again', kind: 'process', minNodes: 3, begin: killLeaders },
  { name: 'kill-all', about: 'SIGKILL ends all nodes at once; they start again', kind: 'process', minNodes: 1, begin: killAll },
  { name: 'rolling', about: 'one node after the other stops cleanly and starts again', kind: 'process', minNodes: 3, begin: roll },
  { name: 'pause', about: 'SIGSTOP halts a minority', kind: 'process', minNodes: 3, begin: (world) => pause(world, pickMinority(world)) },
  {
    name: 'pause-leader',
    about: 'SIGSTOP halts the active controller or who leads the most',
    kind: 'process',
    minNodes: 3,
    begin: async (world) => pause(world, [await pickLeader(world)]),
  },
]
