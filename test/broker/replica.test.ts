import { describe, expect, it } from 'vitest'
import { Replica } from '../../src/broker/replica.ts'
import type { PartitionInput } from '../../src/replication/effects.ts'
import type { Partition } from '../../src/replication/partition.ts'

type ReplicaOptions = ConstructorParameters<typeof Replica>[0]

/** A replica whose machine does nothing and is quiet for `quietTicks`, and what that machine is told. */
function replicaOf(quietTicks: number): { readonly replica: Replica; readonly told: PartitionInput[] } {
  const told: PartitionInput[] = []
  const step = (input: PartitionInput): [] => {
    told.push(input)
    return []
  }
  const core = { role: 'follower', leaderEpoch: 1, quietTicks, step } as unknown as Partition
  const log = { endOffset: 0, syncedEndOffset: 0 }
  return { replica: new Replica({ core, log } as unknown as ReplicaOptions), told }
}

describe('the ticks of a replica', () => {
  it('are told to its machine where something is due, those that were quiet with the next one', () => {
    const { replica, told } = replicaOf(3)
    for (let tick = 0; tick < 9; tick++) replica.tick()
    expect(told).toEqual([1, 4, 4].map((ticks) => ({ type: 'tick', ticks })))
  })

  it('are told before whatever else comes; what was quiet may not be so any more', () => {
    const { replica, told } = replicaOf(3)
    for (let tick = 0; tick < 3; tick++) replica.tick()
    replica.step({ type: 'disconnected', nodeId: 2 })
    replica.tick()
    expect(told.slice(1)).toEqual([
      { type: 'tick', ticks: 2 },
      { type: 'disconnected', nodeId: 2 },
      { type: 'tick', ticks: 1 },
    ])
  })

  it('are all told where every one matters', () => {
    const { replica, told } = replicaOf(0)
    for (let tick = 0; tick < 3; tick++) replica.tick()
    expect(told).toEqual([1, 1, 1].map((ticks) => ({ type: 'tick', ticks })))
  })
})
