import { sleep } from '../cluster-process.ts'
import { type Fault, type FaultWorld, nodesText, pickSome, type RunningFault } from './fault.ts'

/** A jump is of 1.5 to the power of these, in ms: 11 ms to five minutes. Source: jepsen.nemesis.time. */
const MIN_POWER = 6
const MAX_POWER = 31
const JUMP_EVERY_MS = 1_000
/** An order takes a moment to arrive. */
const MAX_WAY_MS = 5_000

function drawOffset({ random }: FaultWorld): number {
  const size = Math.round(1.5 ** (MIN_POWER + random.integer(MAX_POWER - MIN_POWER + 1)))
  return random.integer(2) === 0 ? size : -size
}

/** Some nodes, or all, live in another time, again and again in another one. Answers when it is told to end. */
async function shiftClocks(world: FaultWorld): Promise<RunningFault> {
  const { cluster, random } = world
  const nodes = pickSome(random, cluster.upNodes, 1 + random.integer(cluster.nodeIds.length))
  let isHealing = false
  let seen = 0
  let greatest = 0
  const jump = async (node: number): Promise<void> => {
    const offsetMs = drawOffset(world)
    const report = await cluster.orderClock(node, offsetMs)
    // A node that is down has no time.
    if (report === undefined || Math.abs(report.wallMs - Date.now() - offsetMs) > MAX_WAY_MS) return
    seen++
    greatest = Math.max(greatest, Math.abs(offsetMs))
  }
  const jumping = (async () => {
    while (!isHealing) {
      await Promise.all(nodes.map(jump))
      await sleep(JUMP_EVERY_MS)
    }
  })()
  // Whoever heals it is told.
  jumping.catch(() => undefined)
  return {
    detail: nodesText(nodes),
    observe: async () => ({ isSeen: seen > 0, what: `${seen} jumps of the time of day, ${(greatest / 1000).toFixed(1)} s at most` }),
    heal: async () => {
      isHealing = true
      await jumping
      await Promise.all(nodes.map((node) => cluster.orderClock(node, 0)))
    },
  }
}

export const clocks: readonly Fault[] = [
  {
    name: 'clock-offset',
    about: 'the time of day of some nodes, or all, jumps back and forth',
    kind: 'clock',
    minNodes: 1,
    needs: 'clock',
    begin: shiftClocks,
  },
]
