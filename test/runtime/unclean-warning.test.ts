import { expect, it } from 'vitest'
import { applyEntries } from '../../src/metadata/apply.ts'
import { warnOfUncleanElections } from '../../src/runtime/unclean-warning.ts'
import { silentLogger } from '../contract/silent-logger.ts'
import { type Cluster, threeBrokers } from '../controller/harness.ts'

/** The warnings about the newest entry of the cluster. */
function warnings(cluster: Cluster, decide: () => void): string[] {
  const before = cluster.image
  decide()
  const { image, delta } = applyEntries(
    before,
    cluster.entries.filter(({ offset }) => offset >= before.offset),
  )
  const lines: string[] = []
  warnOfUncleanElections({ ...silentLogger, warn: (_, message) => void lines.push(message) }, before, image, delta)
  return lines
}

it('an unclean election is a warning that names who held what is given up; a clean one is none', () => {
  const { cluster, ref } = threeBrokers({ 'min.insync.replicas': '1', 'unclean.leader.election.enable': 'true' })
  expect(warnings(cluster, () => cluster.fence(1))).toEqual([])
  cluster.alter(ref, [2])
  cluster.fence(2)
  cluster.reports(3, ref)
  expect(warnings(cluster, () => cluster.run({ type: 'electUnclean', partitions: [ref] }))).toEqual([
    'controller: unclean election: 3 leads orders-0; what only 2 held is given up',
  ])
  cluster.unfence(2)
  cluster.alter(ref, [2, 3])
  expect(cluster.state(ref).unclean).toBe(true)
  expect(warnings(cluster, () => cluster.fence(3))).toEqual([])
})
