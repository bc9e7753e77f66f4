import { describe, expect, it } from 'vitest'
import type { InternalCommand } from '../../src/controller/commands.ts'
import { threeBrokers } from './harness.ts'
import { Term } from './term.ts'

describe('R5.7 elections that may give records up', () => {
  /** 1, in sync alone, is gone; 2 and 3 are up, behind, and have said nothing yet. */
  function abandoned(allowed = 'true'): Term {
    const { cluster } = threeBrokers()
    const configs = { 'min.insync.replicas': '1', 'unclean.leader.election.enable': allowed }
    const made = { cluster, ref: cluster.create('brisk', [[2, 1, 3]], configs) }
    cluster.alter(made.ref, [2])
    const term = new Term(made)
    for (const nodeId of [1, 2, 3]) term.heard(nodeId)
    term.step({ type: 'gone', nodeId: 2 })
    term.settle()
    expect(made.cluster.state(made.ref)).toMatchObject({ leader: -1, elr: [2] })
    return term
  }
  const electUnclean = (term: Term): InternalCommand => ({ type: 'electUnclean', partitions: [term.ref] })

  it('waits 3 s for an eligible one that is gone: it may come back', () => {
    const term = abandoned()
    expect(term.report(1, { syncedEndOffset: 7 })).toEqual([])
    expect(term.report(3, { syncedEndOffset: 9 })).toEqual([])
    expect(term.ticks(59, 1, 3)).toEqual([])
    expect(term.ticks(1, 1, 3)).toEqual([electUnclean(term)])
    term.settle()
    expect(term.cluster.state(term.ref)).toMatchObject({ leader: 3, elr: [], unclean: true })
  })

  it('never asks for it where the topic does not allow it, and does once it does', () => {
    const term = abandoned('false')
    for (const nodeId of [1, 3]) term.report(nodeId)
    expect(term.ticks(1_000, 1, 3)).toEqual([])
    const set = new Map([['unclean.leader.election.enable', 'true']])
    term.cluster.run({ type: 'alterTopic', topicId: term.ref.topicId, partitions: 0, assignment: null, set, delete: [], validateOnly: false })
    term.show()
    expect(term.ticks(60, 1, 3)).toEqual([electUnclean(term)])
  })

  it('does not wait where no eligible one is left to come', () => {
    const term = abandoned()
    term.cluster.register(2, { damaged: [term.ref] })
    term.show()
    expect(term.cluster.state(term.ref).elr).toEqual([])
    expect(term.report(1)).toEqual([])
    expect(term.report(3)).toEqual([])
    expect(
      term.heard(2, {
        leaderless: [
          { ...term.ref, partitionEpoch: term.cluster.state(term.ref).partitionEpoch, lastEpoch: 0, syncedEndOffset: 9, suspect: true, damaged: true },
        ],
      }),
    ).toEqual([term.unfence(2), electUnclean(term)])
  })

  it('however long it takes, not while an eligible one is up that has said nothing; that one leads cleanly', () => {
    const term = abandoned()
    term.cluster.register(2)
    term.show()
    for (const nodeId of [1, 3]) term.report(nodeId, { syncedEndOffset: 20 })
    for (let tick = 0; tick < 200; tick++) expect(term.ticks(1, 1, 2, 3).filter(({ type }) => type === 'electUnclean')).toEqual([])
    term.settle()
    term.report(2, { suspect: true })
    expect(term.asked).toEqual([{ type: 'elect', partitions: [term.ref] }])
    term.settle()
    expect(term.cluster.state(term.ref)).toMatchObject({ leader: 2, unclean: false })
  })

  it('one that was up and falls silent is waited for no longer', () => {
    const term = abandoned()
    term.cluster.register(2)
    term.show()
    for (const nodeId of [1, 3]) term.report(nodeId)
    expect(term.ticks(100, 1, 2, 3).filter(({ type }) => type === 'electUnclean')).toEqual([])
    expect(term.step({ type: 'gone', nodeId: 2 }).filter(({ type }) => type === 'electUnclean')).toEqual([electUnclean(term)])
  })

  it('a clean choice that is gone again does not count towards the wait', () => {
    const term = abandoned()
    for (const nodeId of [1, 3]) term.report(nodeId)
    term.ticks(30, 1, 3)
    term.heard(2)
    term.settle()
    term.asked = []
    term.report(2)
    term.asked = []
    term.step({ type: 'gone', nodeId: 2 })
    term.settle()
    for (const nodeId of [1, 3]) term.report(nodeId)
    // An election that was asked for is not looked at for 20 ticks; then the 3 s begin anew.
    expect(term.ticks(79, 1, 3).filter(({ type }) => type === 'electUnclean')).toEqual([])
    expect(term.ticks(1, 1, 3)).toEqual([electUnclean(term)])
  })
})
