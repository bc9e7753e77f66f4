import { sleep } from '../cluster-process.ts'
import { type Fault, type FaultWorld, type Observation, pickSome, type RunningFault } from './fault.ts'
import { observeHalted } from './halted.ts'
import { Killings } from './killings.ts'
import { betweenNodes, between, observeCut } from './partitions.ts'

const STAGE_MS = 2_000
/** Until a replica that is halted is out of its ISRs, and others were written to without it. */
const OUTDATED_MS = 3_000
/** Until those that are gone are fenced, and whoever may lead instead does: an election waits 3 s for better ones. */
const ALONE_MS = 5_000

/** Nodes that have fallen silent. */
interface Silent {
  /** Whether they are, as seen from outside. */
  observe(): Promise<Observation>
  wake(): void
}

type Silence = (world: FaultWorld, nodes: readonly number[]) => Silent

const halt: Silence = (world, nodes) => ({ wake: world.cluster.haltNodes(nodes), observe: () => observeHalted(world, nodes) })

const isolate: Silence = ({ cluster }, nodes) => {
  const cut = cluster.network.impose(betweenNodes(between(nodes)), { isCut: true })
  return { wake: cut.lift, observe: async () => observeCut(cut.effect()) }
}

function allSeen(observed: readonly Observation[]): Observation {
  const isSeen = observed.every((one) => one.isSeen)
  return Object.assign({}, ...observed, { isSeen, what: observed.map(({ what }) => what).join('; ') })
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
  const observed: Observation[] = []
  const silentFirst = silence(world, first)
  const script = (async () => {
    await sleep(STAGE_MS)
    await killings.losePower(killed)
    const silentRest = silence(world, rest)
    observed.push(await silentFirst.observe())
    silentFirst.wake()
    try {
      await killings.startAgain()
      await sleep(STAGE_MS)
      observed.push(await silentRest.observe())
    } finally {
      silentRest.wake()
    }
  })()
  // Whoever heals it is told.
  script.catch(() => undefined)
  return {
    detail: `silent ${first.join(',')}, then killed ${killed.join(',')} and silent ${rest.join(',')}`,
    observe: async () => {
      await script
      return allSeen([...observed, killings.observe()])
    },
    heal: () => script,
  }
}

/** Nodes that hold a partition and can go without ending the quorum, in an order of their own. */
async function pickReplicas({ cluster: { nodeIds }, random, admin }: FaultWorld): Promise<readonly number[]> {
  const sets = (await admin.describeTopics()).flatMap(({ partitions }) => partitions.map(({ replicas }) => replicas))
  const outlivable = sets.filter(({ length }) => length > 1 && length - 1 <= Math.floor((nodeIds.length - 1) / 2))
  const replicas = outlivable[random.integer(Math.max(1, outlivable.length))]
  if (replicas === undefined) throw new Error('no partition has replicas of which all but one may go')
  return pickSome(random, replicas, replicas.length)
}

/**
 * A replica of a partition is halted, and the others go on without it. Then all these are killed, and it wakes: it is there alone, the quorum is
 * with it, and what was acknowledged meanwhile is nowhere that runs. It must not lead, but where the topic asks for service before records.
 */
async function outlive(world: FaultWorld): Promise<RunningFault> {
  const [last, ...others] = (await pickReplicas(world)) as [number, ...number[]]
  const killings = new Killings(world)
  const observed: Observation[] = []
  const silent = halt(world, [last])
  const script = (async () => {
    try {
      await sleep(OUTDATED_MS)
      await killings.kill(others)
      observed.push(await silent.observe())
    } finally {
      silent.wake()
    }
    await sleep(ALONE_MS)
  })()
  script.catch(() => undefined)
  return {
    detail: `silent ${last}, then killed ${others.join(',')}`,
    observe: async () => {
      await script
      return allSeen([...observed, killings.observe()])
    },
    heal: async () => {
      await script
      await killings.startAgain()
    },
  }
}

function handingOver(name: string, about: string, silence: Silence): Fault {
  return { name, about, kind: 'process', minNodes: 3, needs: 'disks', begin: (world) => handOver(world, silence) }
}

export const composites: readonly Fault[] = [
  handingOver('pause-kill', 'a minority is halted; then one other loses power, the rest is halted, and the first go on', halt),
  handingOver('part-kill', 'the same with nodes that are cut off', isolate),
  {
    name: 'outlive',
    about: 'a replica is halted; then the others of a partition are killed, and it wakes',
    kind: 'process',
    minNodes: 5,
    begin: outlive,
  },
]
