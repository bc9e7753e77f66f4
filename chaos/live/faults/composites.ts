import { sleep } from '../cluster-process.ts'
import { type Fault, type FaultWorld, pickSome, type RunningFault } from './fault.ts'
import { Killings } from './killings.ts'
import { isolate } from './partitions.ts'

const STAGE_MS = 2_000

/** Makes nodes fall silent; answers how they are woken. */
type Silence = (world: FaultWorld, nodes: readonly number[]) => () => void

const halt: Silence = ({ cluster }, nodes) => {
  const pids = nodes.map((node) => cluster.live.pid(node))
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  return () => {
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  }
}

/**
 * A minority falls silent, and the others go on without it. Then one of them loses power, the rest falls silent, and the first come back: with
 * the one that starts again they are a majority, and only that one can know what was acknowledged meanwhile. Source: the NATS suite of Jepsen.
 */
async function handOver(world: FaultWorld, silence: Silence): Promise<RunningFault> {
  const { cluster, random } = world
  const order = pickSome(random, cluster.nodeIds, cluster.nodeIds.length)
  const minority = Math.floor((order.length - 1) / 2)
  const [first, killed, rest] = [order.slice(0, minority), order.slice(minority, minority + 1), order.slice(minority + 1)]
  const killings = new Killings(world)
  const wakeFirst = silence(world, first)
  const script = (async () => {
    await sleep(STAGE_MS)
    await killings.kill(killed)
    const wakeRest = silence(world, rest)
    wakeFirst()
    try {
      await killings.startAgain()
      await sleep(STAGE_MS)
    } finally {
      wakeRest()
    }
  })()
  // Whoever heals it is told.
  script.catch(() => undefined)
  return {
    detail: `silent ${first.join(',')}, then killed ${killed.join(',')} and silent ${rest.join(',')}`,
    observe: async () => {
      await script
      return killings.observe()
    },
    heal: () => script,
  }
}

function handingOver(name: string, about: string, silence: Silence): Fault {
  return { name, about, kind: 'process', minNodes: 3, needsFaultyDisks: true, begin: (world) => handOver(world, silence) }
}

export const composites: readonly Fault[] = [
  handingOver('pause-kill', 'a minority is halted; then one other loses power, the rest is halted, and the first go on', halt),
  handingOver('part-kill', 'the same with nodes that are cut off', isolate),
]
