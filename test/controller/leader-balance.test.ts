import { describe, expect, it } from 'vitest'
import { leadersToMoveBack } from '../../src/controller/leader-balance.ts'
import { Cluster } from './harness.ts'

/** Twenty partitions that prefer broker 1, and ten that prefer broker 2. */
function cluster(): { readonly cluster: Cluster; readonly topicId: string } {
  const made = new Cluster()
  made.start(1, 2, 3)
  const { topicId } = made.create(
    'orders',
    Array.from({ length: 30 }, (_, at) => (at < 20 ? [1, 2, 3] : [2, 3, 1])),
  )
  return { cluster: made, topicId }
}

function join(made: Cluster, topicId: string, partitions: number): void {
  for (let partition = 0; partition < partitions; partition++) made.alter({ topicId, partition }, [1, 2, 3])
}

describe('R5.12 leaderships that move back', () => {
  it('none while every broker leads what prefers it, and while a tenth is away', () => {
    const { cluster: made, topicId } = cluster()
    expect(leadersToMoveBack(made.image)).toEqual([])
    for (const partition of [0, 1]) made.killLog(1, { topicId, partition })
    expect([made.state({ topicId, partition: 0 }).leader, leadersToMoveBack(made.image)]).toEqual([2, []])
  })

  it('all that are away and can, once more than a tenth is', () => {
    const { cluster: made, topicId } = cluster()
    made.fence(1)
    expect(leadersToMoveBack(made.image)).toEqual([])
    made.unfence(1)
    expect(leadersToMoveBack(made.image)).toEqual([])
    join(made, topicId, 5)
    const partitions = leadersToMoveBack(made.image)
    expect(partitions).toEqual([0, 1, 2, 3, 4].map((partition) => ({ topicId, partition })))
    made.run({ type: 'electLeaders', metadataOffset: null, unclean: false, partitions, validateOnly: false })
    expect([0, 4, 5].map((partition) => made.state({ topicId, partition }).leader)).toEqual([1, 1, 2])
    expect(leadersToMoveBack(made.image)).toEqual([])
  })

  it('not to a broker that is on its way out', () => {
    const { cluster: made, topicId } = cluster()
    made.fence(1)
    made.unfence(1)
    join(made, topicId, 20)
    made.drain(1)
    expect(leadersToMoveBack(made.image)).toEqual([])
  })
})
