import { describe, expect, it } from 'vitest'
import { Situations, type Situation, situationNames } from '../../../chaos/sim/situations.ts'
import { Totals } from '../../../chaos/sim/totals.ts'
import type { MetadataImage } from '../../../src/metadata/image.ts'
import type { PartitionState } from '../../../src/metadata/records.ts'
import type { FetchAnswerMessage, PeerMessage } from '../../../src/wire/peer.ts'
import { makeBroker, makeImage, makeState } from '../check/fake-cluster.ts'
import { makeSeedLine } from './seed-lines.ts'

const isr = (...nodeIds: number[]) => nodeIds.map((nodeId) => ({ nodeId, brokerEpoch: nodeId }))
const voters = (...nodeIds: number[]) => nodeIds.map((nodeId) => ({ nodeId, directoryId: null, endpoint: null }))

const nobody = (): boolean => false

function counted(act: (situations: Situations, pass: (ms: number) => void) => void): Record<string, number> {
  let nowMs = 0
  const situations = new Situations(() => nowMs)
  act(situations, (ms) => {
    nowMs += ms
  })
  return Object.fromEntries(situations.counts)
}

function decided(before: Partial<PartitionState>, after: Partial<PartitionState>): Record<string, number> {
  return counted((situations) => situations.decided(makeImage(1, makeState(before)), makeImage(2, makeState(after)), nobody))
}

describe('situations', () => {
  it('are told by what is decided', () => {
    expect(decided({ isr: isr(1, 2) }, { isr: isr(1) })).toEqual({ 'ISR down to one': 1 })
    expect(decided({}, { isr: [], elr: [1], leader: -1 })).toEqual({ 'partition without a leader': 1 })
    expect(decided({ isr: [], elr: [2], leader: -1 }, { isr: isr(2), leader: 2 })).toEqual({ 'leader from the ELR': 1 })
    expect(decided({ leader: 2 }, { leader: 1 })).toEqual({ 'leader again where it belongs': 1 })
    expect(decided({}, { unclean: true })).toEqual({ 'unclean election': 1 })
    expect(decided({}, {})).toEqual({})
  })

  it('are told by a topic that is gone', () => {
    const [with1, without] = [makeImage(1, makeState()), { ...makeImage(2, makeState()), topics: new Map() }]
    const between = (before: MetadataImage, after: MetadataImage) => counted((situations) => situations.decided(before, after, nobody))
    expect([between(with1, without), between(without, with1), between(with1, with1)]).toEqual([{ 'topic deleted': 1 }, {}, {}])
  })

  it('are told by voters that change, and a leader that ends soon after', () => {
    const change = (situations: Situations): void =>
      situations.decided({ ...makeImage(1, makeState()), voters: voters(1, 2, 3) }, { ...makeImage(2, makeState()), voters: voters(1, 2) }, nobody)
    expect(
      counted((situations, pass) => {
        change(situations)
        situations.ended('follower')
        pass(1_999)
        situations.ended('leader')
        pass(1)
        situations.ended('leader')
      }),
    ).toEqual({ 'voters changed': 1, 'Raft leader ended within 2 s of a change of voters': 1 })
  })

  it('are told by a broker that goes into maintenance', () => {
    const image = (maintenance: boolean) => makeImage(1, makeState(), [{ ...makeBroker(1, 1), maintenance }])
    const between = (before: boolean, after: boolean) => counted((situations) => situations.decided(image(before), image(after), nobody))
    expect([between(false, true), between(true, true), between(true, false)]).toEqual([{ 'broker in maintenance': 1 }, {}, {}])
  })

  it('are told by a suspect replica that waits to be elected, and is', () => {
    const leaderless = makeImage(1, makeState({ isr: [], elr: [2, 3], leader: -1 }))
    const elected = makeImage(2, makeState({ isr: isr(2), elr: [3], leader: 2 }))
    const isSuspect = (nodeId: number): boolean => nodeId === 2
    const meetAfter = (waitMs: number, suspect: (nodeId: number) => boolean): Record<string, number> =>
      counted((situations, pass) => {
        situations.decided(leaderless, leaderless, suspect)
        pass(waitMs)
        situations.decided(leaderless, elected, suspect)
      })
    expect(meetAfter(500, isSuspect)).toEqual({
      'suspect replica waited for others': 1,
      'suspect replica elected as the greatest': 1,
      'leader from the ELR': 1,
    })
    expect(meetAfter(499, isSuspect)).toEqual({ 'suspect replica elected as the greatest': 1, 'leader from the ELR': 1 })
    expect(meetAfter(500, nobody)).toEqual({ 'leader from the ELR': 1 })
  })

  it('are told by what is sent and logged', () => {
    const [diverging, data] = ['diverging', 'data'].map((type) => ({ answer: { result: { type } } }))
    const chunk = { type: 'raft', message: { type: 'snapshotChunk' } } as PeerMessage
    expect(
      counted((situations, pass) => {
        situations.sent(chunk)
        situations.heard('raft: candidate in term 3')
        pass(100)
        situations.sent(chunk)
        situations.heard('log cut from 7 to 5: the leader of epoch 2 parts from it there')
        situations.heard("metadata log: cut to 9, where it parts from the leader's")
        situations.heard('replica repaired: it is in the ISR again')
        situations.heard('moved to data folder disk 1')
        situations.answered({ answers: [diverging, data] } as unknown as FetchAnswerMessage)
      }),
    ).toEqual({
      'damaged replica repaired': 1,
      'replica moved to another data folder': 1,
      'divergence answered': 1,
      'metadata snapshot sent': 2,
      'metadata snapshot sent within 2 s of an election': 1,
      'log cut where it parts': 1,
      'metadata log cut': 1,
    })
  })

  it('are summed over seeds: what none of them met is named', () => {
    const totals = new Totals()
    const [first, ...others] = situationNames as unknown as [Situation, ...Situation[]]
    totals.add(makeSeedLine({ situations: [[first, 2]] }), 'aaa')
    expect(totals.unmet).toEqual(others)
    totals.add(makeSeedLine({ situations: others.map((name) => [name, 1] as const) }), 'aaa')
    expect(totals.unmet).toEqual([])
    expect(totals.describe()).toContain(`situations   ${first} 2, `)
  })
})
