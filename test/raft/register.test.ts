import { describe, expect, it } from 'vitest'
import { findUnlinearizable } from '../../chaos/check/linearizable-register.ts'
import { type Random, SeededRandom } from '../../src/base/random.ts'
import { connect, live, NODES, passTick, pick } from './chaos.ts'
import { Register } from './register.ts'
import { type Packet, World } from './world.ts'

const TICKS = 600
/** Some seconds, on a machine that has nothing else to do. */
const LONG_MS = 120_000

/** Nodes that believe to lead, be it in a term that is over. */
function leadersOf(world: World): number[] {
  return live(world).filter((nodeId) => world.node(nodeId).raft?.isLeader === true)
}

/** Nobody hears it any more, and it hears nobody; the others take its process for gone, and elect while it still believes to lead. */
function isolate(world: World, nodeId: number): void {
  for (const other of NODES) for (const link of [`${nodeId}->${other}`, `${other}->${nodeId}`]) world.cuts.add(link)
  for (const other of live(world)) if (other !== nodeId) world.feed(other, { type: 'peerDown', nodeId, reason: 'refused' })
}

function heal(world: World): void {
  world.cuts.clear()
  for (const nodeId of NODES) if (world.node(nodeId).raft === null) world.start(nodeId)
  for (const nodeId of NODES) connect(world, nodeId)
}

/** Some messages are lost, some come twice, some much later. */
function disturb(world: World, random: Random, late: Packet[]): void {
  for (const packet of world.packets.splice(0)) {
    const fate = random.integer(12)
    if (fate === 0 || fate === 1) late.push(packet)
    if (fate > 1 || fate === 1) world.packets.push(packet)
  }
  if (random.integer(10) === 0) world.packets.push(...late.splice(0, random.integer(4)))
}

function changeVoters(world: World, random: Random, leader: number): void {
  const member = pick(random, NODES) ?? 1
  const isVoter = world.node(leader).raft?.voterSet.some((voter) => voter.nodeId === member) === true
  world.proposeVoters(leader, isVoter ? { remove: [member] } : { add: [member] })
}

function play(seed: number, mode?: 'trusting'): Register {
  const random = new SeededRandom(seed).fork('register')
  const register = new Register(mode)
  const world = new World({ seed, firstVoterIds: NODES, tell: () => undefined, watch: register })
  for (const nodeId of NODES) world.addNode(nodeId)
  heal(world)
  const late: Packet[] = []
  let writes = 0
  for (let tick = 0; tick < TICKS; tick++) {
    const fault = random.integer(40)
    const leader = leadersOf(world).at(-1)
    if (fault < 3) heal(world)
    else if (fault === 3 && leader !== undefined) isolate(world, leader)
    else if (fault === 4) world.crash(pick(random, live(world)) ?? 1)
    else if (fault === 5 && leader !== undefined) world.feed(leader, { type: 'transfer', to: null })
    else if (fault === 6 && leader !== undefined) changeVoters(world, random, leader)
    for (const nodeId of leadersOf(world)) {
      if (random.integer(6) === 0) world.propose(nodeId, [`x${++writes}`])
      if (random.integer(6) === 0) world.readIndex(nodeId)
    }
    disturb(world, random, late)
    passTick(world)
  }
  return register
}

describe('R4.6 a register over Raft, under isolated leaders, crashes, lost, doubled and late messages, transfers and voter changes', () => {
  it('is linearizable: 20 seeds', { timeout: LONG_MS }, () => {
    const seen = { reads: 0, returned: 0, unknown: 0 }
    for (let seed = 1; seed <= 20; seed++) {
      const { history } = play(seed)
      expect(findUnlinearizable(history), `seed ${seed}`).toBeUndefined()
      for (const { type, returnedAt } of history) {
        if (type === 'read') seen.reads++
        else if (returnedAt < Infinity) seen.returned++
        else seen.unknown++
      }
    }
    expect(seen.reads).toBeGreaterThan(1_000)
    expect(seen.returned).toBeGreaterThan(1_000)
    expect(seen.unknown).toBeGreaterThan(20)
  })

  it('is not when whoever believes to lead answers at once: the check notices', { timeout: LONG_MS }, () => {
    const stale = Array.from({ length: 10 }, (_, at) => findUnlinearizable(play(1 + at, 'trusting').history)).filter((found) => found !== undefined)
    expect(stale.length).toBeGreaterThan(3)
  })
})
