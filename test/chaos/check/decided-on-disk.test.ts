import { expect, it } from 'vitest'
import { DecidedOnDisk } from '../../../chaos/check/decided-on-disk.ts'
import type { RaftView } from '../../../src/broker/surface.ts'

const voters = [1, 2, 3].map((nodeId) => ({ nodeId, directoryId: null }))
const view = (change: Partial<RaftView>): RaftView => {
  return { role: 'leader', term: 2, leaderId: 1, voters, commitIndex: 5, startOffset: 0, endOffset: 9, damagedBelow: null, snapshot: null, ...change }
}

/** Sees a node at commit index 5, and then as it is changed; `ends`: of the metadata log on the disks of nodes 1, 2, 3. */
function decide(change: Partial<RaftView>, ends: readonly number[], before: Partial<RaftView> = {}): void {
  const checker = new DecidedOnDisk()
  const durable = (nodeId: number): number => ends[nodeId - 1] as number
  checker.observe('node 1', view(before), durable)
  checker.observe('node 1', view(change), durable)
}

it('I9: a leader commits what only a minority has on disk', () => {
  expect(() => decide({ commitIndex: 7 }, [7, 7, 0])).not.toThrow()
  expect(() => decide({ commitIndex: 7 }, [6, 7, 9])).not.toThrow()
  expect(() => decide({ commitIndex: 7 }, [6, 7, 5])).toThrow(
    /^I9: node 1 leads in term 2 and committed up to 7; of the voters 1, 2, 3 only 2 surely has that on disk/,
  )
})

it('half of the voters are no majority', () => {
  const four = [1, 2, 3, 4].map((nodeId) => ({ nodeId, directoryId: null }))
  expect(() => decide({ commitIndex: 7, voters: four }, [7, 7, 0, 0])).toThrow(/only 1, 2 surely have/)
  expect(() => decide({ commitIndex: 7, voters: four }, [7, 7, 7, 0])).not.toThrow()
})

it('nothing is said of a follower, of what was committed before it was seen, or of voters that are not known yet', () => {
  expect(() => decide({ role: 'follower', commitIndex: 7 }, [0, 0, 0])).not.toThrow()
  expect(() => decide({ commitIndex: 5 }, [0, 0, 0])).not.toThrow()
  expect(() => decide({ commitIndex: 7, voters: [] }, [0, 0, 0])).not.toThrow()
})
