import { sleep } from '../cluster-process.ts'
import { type Fault, type FaultWorld, pickSome, type RunningFault } from './fault.ts'
import { Killings } from './killings.ts'
import { SlowedSyncs } from './slowed-syncs.ts'

/** Shorter than an election takes, so that the cluster goes on. */
const SYNC_DELAY_MS = 200
const SLOW_FOR_MS = 1_500
/** Until those that are away are fenced, and others lead: an election waits 3 s for better ones. */
const AWAY_MS = 8_000

/**
 * The disks of a majority are slow; then all nodes lose power, and only this majority starts again until it is healed: what anybody counted as
 * synced before it was is gone, and whoever surely has it is not there.
 */
async function losePowerWhileSlow(world: FaultWorld): Promise<RunningFault> {
  const { cluster, random } = world
  const order = pickSome(random, cluster.nodeIds, cluster.nodeIds.length)
  const majority = Math.floor(order.length / 2) + 1
  const [slow, others] = [order.slice(0, majority), order.slice(majority)]
  const [first, last] = [new Killings(world), new Killings(world)]
  const syncs = new SlowedSyncs(cluster, slow, SYNC_DELAY_MS)
  const script = (async () => {
    await syncs.order()
    await sleep(SLOW_FOR_MS)
    await syncs.order()
    await Promise.all([first.kill(slow), last.kill(others)])
    await first.startAgain()
    await sleep(AWAY_MS)
  })()
  // Whoever heals it is told.
  script.catch(() => undefined)
  return {
    detail: `slow ${slow.join(',')}, then all, and ${others.join(',')} away`,
    observe: async () => {
      await script
      const killed = [first.observe(), last.observe()]
      return {
        isSeen: syncs.count > 0 && killed.every(({ isSeen }) => isSeen),
        what: `${syncs.count} syncs were slowed; ${killed.map(({ what }) => what).join('; ')}`,
      }
    },
    heal: async () => {
      await script
      await last.startAgain()
    },
  }
}

export const lateSyncs: readonly Fault[] = [
  {
    name: 'slow-power-loss',
    about: 'the disks of a majority are slow; then all nodes lose power, and only this majority starts again',
    kind: 'process',
    minNodes: 3,
    needs: 'disks',
    begin: losePowerWhileSlow,
  },
]
