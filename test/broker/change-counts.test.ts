import { expect, it } from 'vitest'
import { CatchUp } from '../../src/broker/catch-up.ts'
import { ChangeCounts } from '../../src/broker/change-counts.ts'
import type { MetadataImage } from '../../src/metadata/image.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { type Cluster, threeBrokers } from '../controller/harness.ts'

/** Shows the entries of a cluster that were not shown yet, as a node applies them. */
class Reader {
  readonly catchUp = new CatchUp()
  readonly counts = new ChangeCounts(9, this.catchUp)
  readonly #cluster: Cluster
  #image: MetadataImage

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#image = cluster.image
  }

  read(lastTerm: number): readonly [leaderElections: number, unclean: number] {
    const before = this.#image
    const { image, delta } = applyEntries(
      before,
      this.#cluster.entries.filter(({ offset }) => offset >= before.offset),
    )
    this.#image = image
    this.counts.applied(before, image, delta)
    this.catchUp.applied(image.offset, lastTerm)
    const { leaderElections, uncleanLeaderElections } = this.counts.totals
    return [leaderElections, uncleanLeaderElections]
  }
}

it('a node counts what is decided after it learned how far the active controller is, be it a broker or not', () => {
  const { cluster, ref } = threeBrokers({ 'min.insync.replicas': '1' })
  const reader = new Reader(cluster)
  cluster.fence(1)
  expect(reader.read(4)).toEqual([0, 0])
  cluster.fence(2)
  reader.catchUp.controllerHeard({ term: 4, commitIndex: cluster.image.offset }, 0)
  expect(reader.read(4)).toEqual([0, 0])
  cluster.fence(3)
  cluster.unfence(1)
  cluster.reports(1, ref)
  cluster.run({ type: 'electLeaders', metadataOffset: null, unclean: true, partitions: [ref], validateOnly: false })
  expect(cluster.state(ref)).toMatchObject({ leader: 1, unclean: true })
  expect(reader.read(4)).toEqual([1, 1])
})

it('an active controller that has just been elected does not know yet what is committed: the entries of earlier terms are past', () => {
  const { cluster } = threeBrokers()
  const reader = new Reader(cluster)
  reader.catchUp.controllerHeard({ term: 5, commitIndex: 0 }, 0)
  cluster.fence(1)
  expect(reader.read(4)).toEqual([0, 0])
  cluster.skip()
  expect(reader.read(5)).toEqual([0, 0])
  cluster.fence(2)
  expect(reader.read(5)).toEqual([1, 0])
})

it('a node that is elected itself counts from its own term on', () => {
  const { cluster } = threeBrokers()
  const reader = new Reader(cluster)
  reader.counts.role({ type: 'role', role: 'leader', term: 5, leaderId: 9 })
  cluster.skip()
  expect(reader.read(5)).toEqual([0, 0])
  cluster.fence(1)
  expect(reader.read(5)).toEqual([1, 0])
})
