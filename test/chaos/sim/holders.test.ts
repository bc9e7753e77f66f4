import { describe, expect, it } from 'vitest'
import { chooseHolders } from '../../../chaos/sim/holders.ts'
import type { PartitionState } from '../../../src/metadata/records.ts'
import { makeImage, makeState, topicId } from '../check/fake-cluster.ts'

const members = (...nodeIds: number[]) => nodeIds.map((nodeId) => ({ nodeId, brokerEpoch: nodeId }))

function image(...partitions: readonly Partial<PartitionState>[]) {
  const states = partitions.map((change, partition) => makeState({ partition, ...change }))
  const whole = makeImage(1, makeState())
  const voters = [1, 2, 3].map((nodeId) => ({ nodeId, directoryId: null, endpoint: null }))
  return { ...whole, voters, topics: new Map([[topicId, { topicId, name: 't', partitions: states, configs: new Map() }]]) }
}

describe('replicas that are to be lost', () => {
  it('are of a partition that is whole, with the fewest voters, a voter first', () => {
    const mixed = { replicas: [4, 2, 5], isr: members(4, 2, 5) }
    expect(chooseHolders(image({}, mixed), ['t'])).toEqual([2, 4, 5])
    expect(chooseHolders(image({}, { ...mixed, isr: members(4, 2) }), ['t'])).toEqual([1, 2, 3])
    expect(chooseHolders(image({ isr: members(1, 2) }), ['t'])).toBeUndefined()
    expect(chooseHolders(image({}, mixed), ['other'])).toBeUndefined()
  })
})
