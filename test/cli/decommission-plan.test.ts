import { describe, expect, it } from 'vitest'
import { planDecommission } from '../../src/cli/decommission-plan.ts'

type Brokers = Parameters<typeof planDecommission>[1]
type Topics = Parameters<typeof planDecommission>[2]

function broker(nodeId: number, more: Partial<Brokers[number]> = {}): Brokers[number] {
  const address = { host: 'h', grpcPort: 1, kafkaPort: null, httpPort: null }
  return { nodeId, ...address, rack: null, state: 'running', leaders: 0, replicas: 0, maintenance: false, ...more }
}

function topic(name: string, assignment: readonly (readonly number[])[], removing: readonly number[] = []): Topics[number] {
  const partitions = assignment.map((replicas, partition) => {
    return { partition, leader: replicas[0]!, leaderEpoch: 0, replicas, isr: replicas, elr: [], addingReplicas: [], removingReplicas: removing }
  })
  return { name, topicId: name, partitions, configs: new Map() }
}

describe('the plan of a decommission', () => {
  it('each partition gets another broker in the place of the old one: who holds the fewest, then the lowest id', () => {
    const brokers = [broker(1, { replicas: 4 }), broker(2, { replicas: 9 }), broker(3, { replicas: 2 }), broker(4, { replicas: 1 })]
    const topics = [
      topic('b', [[2, 1]]),
      topic('a', [
        [1, 2],
        [2, 3],
        [2, 1],
        [1, 2],
      ]),
    ]
    const { moves, stuck } = planDecommission(1, brokers, topics)
    expect(moves.map(({ topic: name, partition, replicas }) => [name, partition, replicas])).toEqual([
      ['a', 0, [4, 2]],
      ['a', 2, [2, 3]],
      ['a', 3, [4, 2]],
      ['b', 0, [2, 3]],
    ])
    expect(stuck).toEqual([])
    expect(planDecommission(1, brokers.toReversed(), topics.toReversed())).toEqual({ moves, stuck })
  })

  it('a rack that has none of the others comes before a broker that holds less', () => {
    const brokers = [broker(1, { rack: 'x' }), broker(2, { rack: 'y' }), broker(3, { rack: 'y' }), broker(4, { rack: 'z', replicas: 50 })]
    expect(planDecommission(1, brokers, [topic('a', [[1, 2]])]).moves).toMatchObject([{ replicas: [4, 2] }])
  })

  it('nobody takes who is not running or in maintenance; what nobody can take is named', () => {
    const brokers = [broker(1), broker(2), broker(3, { state: 'fenced' }), broker(4, { maintenance: true })]
    expect(planDecommission(1, brokers, [topic('a', [[2, 1], [1]])])).toEqual({
      moves: [{ topic: 'a', partition: 1, replicas: [2] }],
      stuck: [{ topic: 'a', partition: 0 }],
    })
  })

  it('what leaves the broker already is left alone', () => {
    expect(planDecommission(1, [broker(1), broker(2), broker(3)], [topic('a', [[1, 2, 3]], [1])])).toEqual({ moves: [], stuck: [] })
  })
})
