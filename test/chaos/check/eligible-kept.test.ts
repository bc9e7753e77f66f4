import { expect, it } from 'vitest'
import { checkEligible } from '../../../chaos/check/eligible-kept.ts'
import type { MetadataImage } from '../../../src/metadata/image.ts'
import type { PartitionState } from '../../../src/metadata/records.ts'
import { makeBroker, makeImage, makeState } from './fake-cluster.ts'

const isr = (...nodeIds: number[]): Partial<PartitionState> => ({ isr: nodeIds.map((nodeId) => ({ nodeId, brokerEpoch: nodeId })), leader: nodeIds[0] ?? -1 })

/** Of three replicas two have to be in sync. `registered`: a node that did so in between. */
function change(from: Partial<PartitionState>, to: Partial<PartitionState>, registered?: number, damaged?: number, minBefore?: string): void {
  const before = makeState({ ...from, partitionEpoch: 7 })
  const after = makeState({ partitionEpoch: 8, ...to })
  const brokers = [1, 2, 3].map((nodeId) => makeBroker(nodeId, nodeId === registered ? 90 : nodeId))
  const images = { before: withMinimum(makeImage(10, before), minBefore), after: makeImage(11, after, brokers) }
  checkEligible('t-0', { before, after, images, wasDamaged: (nodeId) => nodeId === damaged })
}

function withMinimum(image: MetadataImage, minimum: string | undefined): MetadataImage {
  const configs = new Map(minimum === undefined ? [] : [['min.insync.replicas', minimum]])
  return { ...image, topics: new Map([...image.topics].map(([id, topic]) => [id, { ...topic, configs }])) }
}

it('whoever leaves below the minimum stays eligible, and whoever was so', () => {
  expect(() => change(isr(1, 2), { ...isr(1), elr: [2] })).not.toThrow()
  expect(() => change({ ...isr(1), elr: [2] }, { ...isr(), elr: [1, 2] })).not.toThrow()
  expect(() => change({ ...isr(1), elr: [2] }, { ...isr(), elr: [1] })).toThrow(/^elr: t-0 at metadata offset 11: node 2 is eligible no more, with 0 replicas/)
  expect(() => change(isr(1, 2), { ...isr(1), elr: [] })).toThrow(/node 2 is eligible no more/)
})

it('nobody else is eligible while the ISR has its minimum', () => {
  expect(() => change({ ...isr(1), elr: [2, 3] }, isr(1, 2))).not.toThrow()
  expect(() => change({ ...isr(1), elr: [2, 3] }, { ...isr(1, 2), elr: [3] })).toThrow(/^elr: .* 2 replicas are in sync, as many as have to be, and 3 eligible/)
})

it('who is damaged or registers goes, and all go with an unclean election; several changes at once say nothing', () => {
  const [from, to] = [
    { ...isr(1), elr: [2] },
    { ...isr(), elr: [1] },
  ] as const
  expect(() => change(from, to, 2)).not.toThrow()
  expect(() => change(from, to, 3)).toThrow(/node 2/)
  expect(() => change(from, to, undefined, 2)).not.toThrow()
  expect(() => change(from, { ...to, unclean: true })).not.toThrow()
  expect(() => change(from, { ...to, partitionEpoch: 9 })).not.toThrow()
})

it('replicas are taken off while enough stay that hold what was acknowledged, or none of those that go does', () => {
  expect(() => change(isr(1, 2, 3), { ...isr(1, 2), replicas: [1, 2] })).not.toThrow()
  expect(() => change(isr(1), { ...isr(1), replicas: [1, 2] })).not.toThrow()
  expect(() => change(isr(1, 3), { ...isr(1), replicas: [1, 2] })).toThrow(/^elr: .* node 3 is eligible no more, with 1 replicas in sync of the 2/)
  expect(() => change({ ...isr(1), elr: [3] }, { ...isr(1), replicas: [1, 2] })).toThrow(/^elr: .* node 3/)
})

it('a minimum that changed at the same time says nothing of the one that counted', () => {
  expect(() => change(isr(1, 2), { ...isr(1), elr: [] }, undefined, undefined, '1')).not.toThrow()
})
