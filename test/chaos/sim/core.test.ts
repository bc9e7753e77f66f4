import { describe, expect, it } from 'vitest'
import { drawAbsent, makesProgress } from '../../../chaos/sim/core.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import type { PartitionState } from '../../../src/metadata/records.ts'
import { makeImage, makeState } from '../check/fake-cluster.ts'

const voters = [1, 2, 3].map((nodeId) => ({ nodeId, directoryId: null, endpoint: null }))
const view = (state: Partial<PartitionState>, leader: number | null, forgetful: number | null = null) => ({
  nodeIds: [1, 2, 3],
  image: { ...makeImage(1, makeState(state)), voters },
  leads: (nodeId: number) => nodeId === leader,
  votes: (nodeId: number) => nodeId !== forgetful,
  isSettled: true,
})
const isr = (...nodeIds: number[]) => nodeIds.map((nodeId) => ({ nodeId, brokerEpoch: nodeId }))

describe('a core that has to make progress', () => {
  it.each([
    ['the leader and another', [1, 2], {}, 1, true],
    ['nodes that may not lead before the third is back', [2, 3], {}, 1, false],
    ['a minority of the voters', [1], {}, 1, false],
    ['all that may hold what is committed, with no leader', [1, 2], { isr: [], elr: [1, 2], leader: -1 }, null, true],
    ['nobody that may lead', [1, 2, 3], { isr: [], elr: [], leader: -1 }, null, false],
    ['not all of them', [1, 2], { isr: [], elr: [1, 3], leader: -1 }, null, false],
    ['a leader by the metadata alone', [1, 2], { isr: isr(1, 3) }, null, false],
    ['too few of those that stay as a move ends', [1, 2], { replicas: [1, 2, 3], reassignment: { from: [1, 2], to: [1, 3] } }, 1, false],
    ['too few replicas', [2, 3], { replicas: [1, 2], isr: isr(2), elr: [1], leader: 2 }, 2, false],
  ] as const)('%s', (_, core, state, leader, expected) => {
    expect(makesProgress(new Set(core), view(state as Partial<PartitionState>, leader))).toBe(expected)
  })

  it('counts on every replica, with no leader, as long as something may be decided that nobody knows yet', () => {
    const leaderless = { isr: [], elr: [1, 2], leader: -1 }
    expect(makesProgress(new Set([1, 2]), { ...view(leaderless, null), isSettled: false })).toBe(false)
    expect(makesProgress(new Set([1, 2, 3]), { ...view(leaderless, null), isSettled: false })).toBe(true)
    expect(makesProgress(new Set([1, 2]), { ...view({}, 1), isSettled: false })).toBe(true)
  })

  it('does not count on the vote of a node whose disk forgot something', () => {
    expect(makesProgress(new Set([1, 2]), view({}, 1, 2))).toBe(false)
    expect(makesProgress(new Set([1, 2, 3]), view({}, 1, 2))).toBe(true)
  })

  it('leaves out whom it can spare, each in some seed and in each way', () => {
    const seen = new Set<string>()
    for (let seed = 1; seed <= 200; seed++) {
      const absent = drawAbsent(new SeededRandom(seed), view({}, 1))
      expect(makesProgress(new Set([1, 2, 3].filter((nodeId) => !absent.has(nodeId))), view({}, 1))).toBe(true)
      for (const [nodeId, fate] of absent) seen.add(`${nodeId} ${fate}`)
    }
    expect([...seen].sort()).toEqual(['2 cutOff', '2 deaf', '2 down', '2 mute', '3 cutOff', '3 deaf', '3 down', '3 mute'])
  })
})
