import { describe, expect, it } from 'vitest'
import type { Voter } from '../../src/raft/messages.ts'
import { judgeVoterChange, type PeerView, type VoterRefusal } from '../../src/raft/voter-change.ts'

const voter = (nodeId: number, directoryId: string | null = `d${nodeId}`): Voter => ({ nodeId, directoryId })
const THREE = [1, 2, 3].map((nodeId) => voter(nodeId))
const FOUR = [...THREE, voter(4)]

function view(nodeId: number, change: Partial<PeerView> = {}): PeerView {
  return { directoryId: `d${nodeId}`, isHeard: true, counts: true, isCaughtUp: true, persistedEndOffset: 90, ...change }
}

/** Judged by node 1, which has 100 entries; peers 2, 3 and 4 are well, but for `peers`. */
function judge(options: {
  readonly current?: readonly Voter[]
  readonly wanted: readonly Voter[]
  readonly peers?: Readonly<Record<number, Partial<PeerView> | undefined>>
  readonly isSelfCaughtUp?: boolean
}): VoterRefusal | undefined {
  return judgeVoterChange({
    self: { nodeId: 1, directoryId: 'd1' },
    current: options.current ?? THREE,
    wanted: options.wanted,
    endOffset: 100,
    isSelfCaughtUp: options.isSelfCaughtUp ?? true,
    peer: (nodeId) => {
      const change = options.peers?.[nodeId]
      return options.peers !== undefined && nodeId in options.peers && change === undefined ? undefined : view(nodeId, change)
    },
  })
}

describe('R4.4 a voter change', () => {
  it('is one voter more, one less, or one folder filled in', () => {
    expect(judge({ wanted: FOUR })).toBeUndefined()
    expect(judge({ wanted: THREE.slice(1) })).toBeUndefined()
    expect(judge({ wanted: THREE.slice(0, 2) })).toBeUndefined()
    expect(judge({ current: [voter(1), voter(2), voter(3, null)], wanted: THREE })).toBeUndefined()
  })

  it.each<[string, readonly Voter[]]>([
    ['nothing', THREE],
    ['two more', [...FOUR, voter(5)]],
    ['one for another', [voter(1), voter(2), voter(4)]],
    ['another folder', [voter(1), voter(2), voter(3, 'wiped')]],
    ['a folder forgotten', [voter(1), voter(2), voter(3, null)]],
  ])('is not %s', (_, wanted) => expect(judge({ wanted })).toEqual({ type: 'notOneChange' }))

  it('leaves somebody to vote', () => expect(judge({ current: [voter(1)], wanted: [] })).toEqual({ type: 'lastVoter' }))

  it('takes a newcomer that is heard, under its folder, whole, and caught up', () => {
    expect(judge({ wanted: FOUR, peers: { 4: undefined } })).toEqual({ type: 'notConnected', nodeId: 4 })
    expect(judge({ wanted: FOUR, peers: { 4: { isHeard: false } } })).toEqual({ type: 'notConnected', nodeId: 4 })
    expect(judge({ wanted: FOUR, peers: { 4: { directoryId: 'wiped' } } })).toEqual({ type: 'notConnected', nodeId: 4 })
    expect(judge({ wanted: FOUR, peers: { 4: { counts: false } } })).toEqual({ type: 'damaged', nodeId: 4 })
    expect(judge({ wanted: FOUR, peers: { 4: { isCaughtUp: false } } })).toEqual({ type: 'lagging', nodeId: 4, persistedEndOffset: 90, endOffset: 100 })
  })

  it('leaves a majority that answers and has the log, the own disk included, or it could never be committed', () => {
    const without3 = THREE.slice(0, 2)
    expect(judge({ wanted: without3, peers: { 3: { isHeard: false } } })).toBeUndefined()
    expect(judge({ wanted: without3, peers: { 2: { isHeard: false } } })).toEqual({ type: 'noLiveMajority', live: 1, needed: 2 })
    expect(judge({ wanted: without3, peers: { 2: { isCaughtUp: false } } })).toEqual({ type: 'noLiveMajority', live: 1, needed: 2 })
    expect(judge({ wanted: without3, isSelfCaughtUp: false })).toEqual({ type: 'noLiveMajority', live: 1, needed: 2 })
    expect(judge({ wanted: FOUR, peers: { 2: { isHeard: false }, 3: { counts: false } } })).toEqual({ type: 'noLiveMajority', live: 2, needed: 3 })
  })
})
