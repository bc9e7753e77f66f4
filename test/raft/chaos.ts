import { type Random, SeededRandom } from '../../src/base/random.ts'
import { World } from './world.ts'

export const NODES = [1, 2, 3, 4, 5]
export const VOTERS = [1, 2, 3]
const STEPS = 400
const CALM_STEPS = 100

interface Chaos {
  readonly world: World
  readonly random: Random
  /** Nodes write snapshots all the time, so that logs are cut and peers are left behind. */
  readonly withSnapshots: boolean
  proposed: number
  /** The voter set changes, leadership is handed over, reads are asked for. */
  readonly isMoving: boolean
}

export function pick<T>(random: Random, from: readonly T[]): T | undefined {
  return from.length === 0 ? undefined : from[random.integer(from.length)]
}

export function live(world: World): number[] {
  return [...world.nodes.values()].filter((node) => node.raft !== null).map((node) => node.nodeId)
}

function deliverOne({ world, random }: Chaos): void {
  if (world.packets.length === 0) return
  // Mostly in order, sometimes overtaking, sometimes lost, sometimes twice, sometimes kept for much later.
  const at = random.integer(4) === 0 ? random.integer(world.packets.length) : 0
  const fate = random.integer(20)
  const packet = world.packets[at]
  if (packet === undefined) return
  if (fate !== 0) world.packets.splice(at, 1)
  if (fate === 1) world.packets.push(packet)
  else if (fate !== 2) world.deliver(packet)
}

/** Voters come and go, one at a time, at a random pace; sometimes by a node that does not lead. */
function moveOne({ world, random }: Chaos, nodeId: number): void {
  const member = pick(random, NODES) ?? 1
  const dice = random.integer(8)
  if (dice < 3) world.readIndex(nodeId)
  else if (dice < 4) world.feed(nodeId, { type: 'transfer', to: random.integer(2) === 0 ? null : member })
  else if (world.node(nodeId).raft?.voterSet.some((voter) => voter.nodeId === member) === true) world.proposeVoters(nodeId, { remove: [member] })
  else world.proposeVoters(nodeId, { add: [member] })
}

function restartOne({ world, random }: Chaos): void {
  const dead = NODES.filter((id) => world.node(id).raft === null)
  const back = pick(random, dead)
  if (back !== undefined && random.integer(3) > 0) {
    world.start(back)
    connect(world, back)
    return
  }
  const victim = pick(random, live(world))
  if (victim === undefined || random.integer(3) > 0) return
  for (let count = random.integer(4); count > 0; count--) world.persist(victim)
  world.crash(victim)
  const reason = random.integer(2) === 0 ? 'refused' : 'closed'
  for (const id of live(world)) if (random.integer(4) > 0) world.feed(id, { type: 'peerDown', nodeId: victim, reason })
}

export function connect(world: World, nodeId: number): void {
  for (const id of live(world)) {
    if (id === nodeId) continue
    world.peerUp(nodeId, id)
    world.peerUp(id, nodeId)
  }
}

function fireTimer(world: World, nodeId: number): void {
  const { timer } = world.node(nodeId)
  if (timer === null) return
  world.node(nodeId).timer = null
  world.feed(nodeId, { type: 'timer', timerId: timer.timerId })
}

function act(chaos: Chaos): void {
  const { world, random } = chaos
  const nodeId = pick(random, live(world))
  if (chaos.withSnapshots && nodeId !== undefined && random.integer(8) === 0) {
    world.takeSnapshot(nodeId)
    return
  }
  const dice = random.integer(100)
  if (dice < 45) deliverOne(chaos)
  else if (dice < 47) restartOne(chaos)
  else if (dice < 49) {
    const link = `${pick(random, NODES)}->${pick(random, NODES)}`
    if (!world.cuts.delete(link)) world.cuts.add(link)
  } else if (dice < 50) world.cuts.clear()
  else if (nodeId === undefined) restartOne(chaos)
  else if (dice < 65) world.persist(nodeId)
  else if (dice < 80) for (let count = random.integer(12); count > 0; count--) world.feed(nodeId, { type: 'tick' })
  else if (dice < 84) fireTimer(world, nodeId)
  else if (dice < 86) world.node(nodeId).holdsReads = random.integer(3) === 0
  else if (dice < 90) world.read(nodeId, random.integer(5))
  else {
    const leader = live(world).findLast((id) => world.node(id).raft?.isLeader) ?? nodeId
    if (chaos.isMoving && random.integer(3) > 0) {
      moveOne(chaos, leader)
      return
    }
    world.propose(
      leader,
      Array.from({ length: 1 + random.integer(3) }, () => `x${++chaos.proposed}`),
    )
  }
}

/** All messages and disks, until nothing moves. */
function settle(world: World): void {
  for (let round = 0; round < 40; round++) {
    for (const packet of world.packets.splice(0)) world.deliver(packet)
    for (const id of NODES) while (world.persist(id));
  }
}

/** One tick of 50 ms, with the timers that fall into it, each at its time. */
export function passTick(world: World): void {
  const due = NODES.map((id) => world.node(id)).filter((node) => node.timer !== null && (node.timer.delayMs -= 50) <= 0)
  due.sort((left, right) => (left.timer?.delayMs ?? 0) - (right.timer?.delayMs ?? 0))
  for (const { nodeId } of due) {
    fireTimer(world, nodeId)
    settle(world)
  }
  for (const id of NODES) world.feed(id, { type: 'tick' })
  settle(world)
}

/** Everything works again: true when each node has committed one more entry within 30 seconds of ticks. */
function heals(world: World): boolean {
  world.cuts.clear()
  for (const id of NODES) {
    world.node(id).holdsReads = false
    if (world.node(id).raft === null) world.start(id)
    world.read(id, 1000)
  }
  for (const id of NODES) connect(world, id)
  let goal = Number.POSITIVE_INFINITY
  for (let tick = 0; tick < 600; tick++) {
    passTick(world)
    const leader = NODES.find((id) => world.node(id).raft?.isLeader)
    if (leader !== undefined && goal === Number.POSITIVE_INFINITY) {
      world.propose(leader, ['after all'])
      goal = world.node(leader).memory.length
    }
    if (NODES.every((id) => (world.node(id).raft?.commitIndex ?? 0) >= goal)) return true
    if (leader !== undefined && world.node(leader).memory.length < goal) goal = Number.POSITIVE_INFINITY
  }
  return false
}

export interface Outcome {
  readonly committed: number
  readonly reads: number
  readonly sets: number
  readonly healed: boolean
  readonly trace: string
}

export function run(seed: number, voterIds: readonly number[], mode: 'plain' | 'snapshots' | 'moving' = 'plain'): Outcome {
  const trace: string[] = []
  const world = new World({ seed, firstVoterIds: voterIds, tell: (line) => trace.push(line) })
  for (const id of NODES) world.addNode(id, { canVote: mode === 'moving' || voterIds.includes(id) })
  for (const id of NODES) connect(world, id)
  const chaos: Chaos = { world, random: new SeededRandom(seed).fork('chaos'), withSnapshots: mode !== 'plain', isMoving: mode === 'moving', proposed: 0 }
  for (let step = 0; step < (mode === 'plain' ? STEPS : 4 * STEPS); step++) {
    try {
      // Voters change under a leader: without a calm now and then there is none.
      if (chaos.isMoving && step % CALM_STEPS === 0) heals(world)
      act(chaos)
    } catch (error) {
      throw new Error(`seed ${seed}, step ${step}:\n${trace.slice(-30).join('\n')}`, { cause: error })
    }
  }
  const { committedEntries, readCount } = world.judge
  const sets = committedEntries.filter(({ bytes }) => bytes.subarray(0, 7).toString() === 'voters,').length
  return { committed: committedEntries.length, reads: readCount, sets, healed: heals(world), trace: trace.join('\n') }
}
