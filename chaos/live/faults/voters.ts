import { BrokerError } from '../../../src/base/errors.ts'
import { sleep, waitFor } from '../cluster-process.ts'
import type { ClientWorld, Fault, RunningFault } from './fault.ts'
import { orStuck } from './stuck.ts'

const CHANGE_EVERY_MS = 300
/** One that takes longer is left to itself. */
const CHANGE_LIMIT_MS = 3_000
const SETTLE_LIMIT_MS = 60_000
/** With one of them away another one may go too. */
const MIN_VOTERS = 4

type Change = 'addVoter' | 'removeVoter'

/** Answers whether the cluster did it: under other faults nobody may answer, or decide. */
async function change({ admin }: ClientWorld, call: Change, nodeId: number): Promise<boolean> {
  try {
    return (await admin[call]({ nodeId, timeoutMs: CHANGE_LIMIT_MS })).isChanged
  } catch (error) {
    if (error instanceof BrokerError) return false
    throw error
  }
}

/** Undefined: nobody says who votes. */
async function findVoters({ admin }: ClientWorld): Promise<readonly number[] | undefined> {
  try {
    const { replicas } = await admin.describeQuorum()
    return replicas.flatMap(({ nodeId, status }) => (status === 'Observer' ? [] : [nodeId]))
  } catch (error) {
    if (error instanceof BrokerError) return undefined
    throw error
  }
}

/** As an operator does with a disk that is new, or after a change that was not finished: who of these does not vote is made a voter. */
export async function untilAllVote(world: ClientWorld, nodes: readonly number[]): Promise<void> {
  const look = async (): Promise<true | undefined> => {
    const voters = await findVoters(world)
    if (voters === undefined) return undefined
    const missing = nodes.filter((node) => !voters.includes(node))
    for (const node of missing) await change(world, 'addVoter', node)
    return missing.length === 0 ? true : undefined
  }
  await orStuck(waitFor('every node votes', SETTLE_LIMIT_MS, look))
}

/** One node after the other, and never two at once, has its vote taken away and gets it back. */
async function changeVoters(world: ClientWorld): Promise<RunningFault> {
  const { random } = world
  const nodes = await findVoters(world)
  if (nodes === undefined || nodes.length < MIN_VOTERS) throw new Error(`it needs ${MIN_VOTERS} voters`)
  let isHealing = false
  let changes = 0
  const turn = async (): Promise<void> => {
    const voters = await findVoters(world)
    if (voters === undefined) return
    const missing = nodes.find((node) => !voters.includes(node))
    const leaving = nodes[random.integer(nodes.length)] as number
    if (await (missing === undefined ? change(world, 'removeVoter', leaving) : change(world, 'addVoter', missing))) changes++
  }
  const changing = (async () => {
    while (!isHealing) {
      await turn()
      await sleep(CHANGE_EVERY_MS)
    }
  })()
  // Whoever heals it is told.
  changing.catch(() => undefined)
  return {
    detail: 'one node after the other',
    observe: async () => ({ isSeen: changes > 0, what: `${changes} changes of the voters` }),
    heal: async () => {
      isHealing = true
      await changing
    },
    settle: () => untilAllVote(world, nodes),
  }
}

export const voterChanges: readonly Fault<ClientWorld>[] = [
  { name: 'voters', about: 'nodes lose their vote and get it back all the time', kind: 'admin', minNodes: MIN_VOTERS, begin: changeVoters },
]
