import { describe, expect, it } from 'vitest'
import { id, threeBrokers } from './harness.ts'
import { Term } from './term.ts'

/** ISR empty, ELR {1, 2, 3}, all registered anew and unfenced, all heard in this term. */
function leaderless(): Term {
  const made = threeBrokers()
  made.cluster.alter(made.ref, [1])
  for (const nodeId of [1, 2, 3]) made.cluster.register(nodeId)
  for (const nodeId of [1, 2, 3]) made.cluster.unfence(nodeId)
  expect(made.cluster.state(made.ref)).toMatchObject({ leader: -1, elr: [1, 2, 3] })
  const term = new Term(made)
  for (const nodeId of [1, 2, 3]) expect(term.heard(nodeId)).toEqual([])
  return term
}

describe('R5.5 fencing', () => {
  it('gives the silent a full 3 s of ticks from the birth of the term', () => {
    const term = new Term(threeBrokers())
    expect(term.ticks(59, 1, 2)).toEqual([])
    expect(term.ticks(1, 1, 2)).toEqual([term.fence(3)])
  })

  it('counts silence from the last word', () => {
    const term = new Term(threeBrokers())
    expect(term.ticks(50, 1, 2)).toEqual([])
    term.heard(3)
    expect(term.ticks(59, 1, 2)).toEqual([])
    expect(term.ticks(1, 1, 2)).toEqual([term.fence(3)])
  })

  it('evidence fences at once', () => {
    const term = new Term(threeBrokers())
    expect(term.step({ type: 'gone', nodeId: 3 })).toEqual([term.fence(3)])
  })

  it('its own process is not gone', () => {
    const term = new Term(threeBrokers())
    expect(term.step({ type: 'gone', nodeId: 1 })).toEqual([])
    expect(term.step({ type: 'gone', nodeId: 9 })).toEqual([])
  })

  it('a broker that was taken off is forgotten: its late words and its silence ask for nothing', () => {
    const made = threeBrokers()
    made.cluster.start(4)
    const term = new Term(made)
    term.heard(4)
    const status = term.status(4)
    expect(term.step({ type: 'gone', nodeId: 4 })).toEqual([term.fence(4)])
    term.settle()
    term.cluster.run({ type: 'unregisterBroker', nodeId: 4, validateOnly: false })
    term.show()
    expect(term.step({ type: 'heard', nodeId: 4, status })).toEqual([])
    expect(term.ticks(200, 1, 2, 3)).toEqual([])
    expect(term.sessions.mayStop(4, term.cluster.image)).toBe(true)
  })

  it('asks once, and again after a while when the decision had no effect', () => {
    const term = new Term(threeBrokers())
    expect(term.step({ type: 'gone', nodeId: 3 })).toEqual([term.fence(3)])
    expect(term.ticks(19, 1, 2)).toEqual([])
    expect(term.ticks(1, 1, 2)).toEqual([term.fence(3)])
    term.settle()
    expect(term.cluster.broker(3).fenced).toBe(true)
    expect(term.ticks(200, 1, 2)).toEqual([])
  })

  it('a fenced one that speaks again is unfenced under the same epoch', () => {
    const term = new Term(threeBrokers())
    term.step({ type: 'gone', nodeId: 3 })
    term.settle()
    expect(term.ticks(100, 1, 2)).toEqual([])
    expect(term.heard(3)).toEqual([term.unfence(3)])
    term.settle()
    expect(term.cluster.broker(3).fenced).toBe(false)
    expect(term.step({ type: 'gone', nodeId: 3 })).toEqual([term.fence(3)])
  })
})

describe('R5.2 a status is a sign of life only for the registration that it carries', () => {
  it('an earlier incarnation, an earlier epoch and one that is not registered do not count', () => {
    const term = new Term(threeBrokers())
    for (let tick = 0; tick < 59; tick++) {
      term.heard(3, { incarnationId: id('i', 999) })
      term.heard(3, { brokerEpoch: term.cluster.broker(3).brokerEpoch - 1 })
      term.heard(3, { incarnationId: id('i', 999), brokerEpoch: -1 })
      expect(term.ticks(1, 1, 2)).toEqual([])
    }
    expect(term.ticks(1, 1, 2)).toEqual([term.fence(3)])
  })

  it('a new registration starts with nothing heard: it is unfenced by its own word alone', () => {
    const term = new Term(threeBrokers())
    const old = term.status(3)
    term.heard(3)
    term.cluster.register(3)
    term.show()
    expect(term.step({ type: 'heard', nodeId: 3, status: { ...old, appliedOffset: 1_000 } })).toEqual([])
    expect(term.heard(3, { appliedOffset: term.cluster.broker(3).brokerEpoch })).toEqual([])
    expect(term.heard(3, { appliedOffset: term.cluster.broker(3).brokerEpoch + 1 })).toEqual([term.unfence(3)])
  })

  it('what the view says is of that registration alone', () => {
    const term = new Term(threeBrokers())
    term.heard(3, { appliedOffset: 7, deadLogs: [term.ref] })
    const broker = term.cluster.broker(3)
    const view = term.sessions.view()
    expect(view.appliedOffset(broker)).toBe(7)
    expect(view.isLogDead(broker, term.ref)).toBe(true)
    const other = { ...broker, brokerEpoch: broker.brokerEpoch + 1 }
    expect(view.appliedOffset(other)).toBe(-1)
    expect(view.isLogDead(other, term.ref)).toBe(false)
    expect(view.appliedOffset(term.cluster.broker(2))).toBe(-1)
  })

  it('a delayed status takes nothing back', () => {
    const term = new Term(threeBrokers())
    term.heard(3, { appliedOffset: 9 })
    term.heard(3, { appliedOffset: 4 })
    expect(term.sessions.view().appliedOffset(term.cluster.broker(3))).toBe(9)
  })
})

describe('R5.2 dead logs', () => {
  it('are asked to leave where they are in sync, once each', () => {
    const term = new Term(threeBrokers())
    const { brokerEpoch } = term.cluster.broker(3)
    const elsewhere = { topicId: id('t', 555), partition: 0 }
    expect(term.heard(3, { deadLogs: [term.ref, elsewhere] })).toEqual([{ type: 'deadLogs', nodeId: 3, brokerEpoch, partitions: [term.ref] }])
    expect(term.heard(3, { deadLogs: [term.ref, elsewhere] })).toEqual([])
    term.settle()
    expect(term.cluster.isr(term.ref)).toEqual([1, 2])
    expect(term.ticks(100, 1, 2, 3)).toEqual([])
  })

  it('are forgotten with the replica that is taken off: back again, it has another log', () => {
    const term = new Term(threeBrokers())
    const isDead = (): boolean => term.sessions.view().isLogDead(term.cluster.broker(3), term.ref)
    const old = term.status(3, { deadLogs: [term.ref] })
    term.heard(3, old)
    term.settle()
    const moveTo = (replicas: readonly number[]): void => {
      term.cluster.run({ type: 'alterReassignments', moves: [{ ...term.ref, replicas }], bytesPerSecond: null, validateOnly: false })
      term.show()
      expect(term.cluster.state(term.ref).replicas).toEqual(replicas)
    }
    expect(isDead()).toBe(true)
    moveTo([1, 2])
    expect(isDead()).toBe(false)
    moveTo([1, 2, 3])
    // Said before it knew that it was taken off: of the log that is gone.
    term.step({ type: 'heard', nodeId: 3, status: old })
    expect(isDead()).toBe(false)
    term.heard(3, { deadLogs: [term.ref] })
    expect(isDead()).toBe(true)
  })
})

describe('R5.9 controlled shutdown', () => {
  const wantsShutdown = { wantsShutdown: true }

  it('drains who wants to stop; it may when the others have applied that', () => {
    const term = new Term(threeBrokers())
    const { cluster } = term
    for (const nodeId of [1, 2]) term.heard(nodeId)
    expect(term.sessions.mayStop(3, cluster.image)).toBe(false)
    expect(term.heard(3, wantsShutdown)).toEqual([{ type: 'drain', nodeId: 3, brokerEpoch: cluster.broker(3).brokerEpoch }])
    expect(term.sessions.mayStop(3, cluster.image)).toBe(false)
    term.settle()
    const drained = cluster.image.offset
    expect(cluster.isr(term.ref)).toEqual([1, 2])
    expect(term.sessions.mayStop(3, cluster.image)).toBe(false)
    term.heard(1)
    term.heard(2, { appliedOffset: drained - 1 })
    expect(term.sessions.mayStop(3, cluster.image)).toBe(false)
    cluster.skip()
    term.show()
    term.heard(2, { appliedOffset: drained })
    expect(term.sessions.mayStop(3, cluster.image)).toBe(true)
  })

  it('does not wait for the fenced', () => {
    const term = new Term(threeBrokers())
    term.heard(3, wantsShutdown)
    term.settle()
    term.heard(1)
    expect(term.sessions.mayStop(3, term.cluster.image)).toBe(false)
    term.step({ type: 'gone', nodeId: 2 })
    term.settle()
    expect(term.sessions.mayStop(3, term.cluster.image)).toBe(true)
  })

  it('one that wants to stop is not unfenced', () => {
    const term = new Term(threeBrokers())
    term.step({ type: 'gone', nodeId: 3 })
    term.settle()
    expect(term.heard(3, wantsShutdown)).toEqual([])
    expect(term.heard(3)).toEqual([])
    for (const nodeId of [1, 2]) term.heard(nodeId)
    expect(term.sessions.mayStop(3, term.cluster.image)).toBe(true)
  })

  it('one that serves again may not stop', () => {
    const term = new Term(threeBrokers())
    term.step({ type: 'gone', nodeId: 3 })
    term.settle()
    for (const nodeId of [1, 2, 3]) term.heard(nodeId)
    expect(term.sessions.mayStop(3, term.cluster.image)).toBe(true)
    term.settle()
    expect(term.cluster.broker(3).fenced).toBe(false)
    expect(term.sessions.mayStop(3, term.cluster.image)).toBe(false)
    expect(term.sessions.mayStop(9, term.cluster.image)).toBe(true)
  })
})

describe('R5.7 elections', () => {
  it('waits for nobody once all members have reported', () => {
    const term = leaderless()
    const elect = { type: 'elect', partitions: [term.ref] }
    expect(term.report(1, { suspect: true })).toEqual([])
    expect(term.report(2, { suspect: true, syncedEndOffset: 11 })).toEqual([])
    expect(term.report(3, { suspect: true })).toEqual([elect])
    term.settle()
    expect(term.cluster.state(term.ref)).toMatchObject({ leader: 2, elr: [1, 3] })
  })

  it('waits up to 3 s for a live member that may be better, and no longer', () => {
    const term = leaderless()
    expect(term.report(1, { suspect: true })).toEqual([])
    expect(term.ticks(100, 1, 2, 3)).toEqual([])
    expect(term.report(2, { suspect: true })).toEqual([])
    expect(term.ticks(59, 1, 2, 3)).toEqual([])
    expect(term.ticks(1, 1, 2, 3)).toEqual([{ type: 'elect', partitions: [term.ref] }])
  })

  it('no timer replaces f+1 suspects', () => {
    const term = leaderless()
    expect(term.report(1, { suspect: true })).toEqual([])
    expect(term.ticks(1_000, 1, 2, 3)).toEqual([])
  })

  it('does not wait for a member that is gone', () => {
    const term = leaderless()
    expect(term.report(2)).toEqual([])
    expect(term.report(1)).toEqual([])
    expect(term.step({ type: 'gone', nodeId: 3 })).toEqual([term.fence(3), { type: 'elect', partitions: [term.ref] }])
  })

  it('does not wait for a member whose log is dead', () => {
    const term = leaderless()
    expect(term.report(1)).toEqual([])
    expect(term.report(2)).toEqual([])
    term.heard(3, { deadLogs: [term.ref] })
    expect(term.report(2)).toEqual([{ type: 'elect', partitions: [term.ref] }])
  })

  it('asks once, and again after a while', () => {
    const term = leaderless()
    for (const nodeId of [1, 2]) term.report(nodeId)
    expect(term.report(3)).toHaveLength(1)
    expect(term.report(1)).toEqual([])
    expect(term.ticks(19, 1, 2, 3)).toEqual([])
    expect(term.ticks(1, 1, 2, 3)).toEqual([{ type: 'elect', partitions: [term.ref] }])
  })

  it('a report made before the partition changed again does not count', () => {
    const term = leaderless()
    for (const nodeId of [1, 2]) term.report(nodeId)
    const early = { partitionEpoch: term.cluster.state(term.ref).partitionEpoch }
    term.cluster.register(3, { damaged: [term.ref] })
    term.show()
    expect(term.cluster.state(term.ref).elr).toEqual([1, 2])
    expect(term.report(1, early)).toEqual([])
    expect(term.report(2, early)).toEqual([])
    expect(term.report(1)).toEqual([])
    expect(term.report(2)).toEqual([{ type: 'elect', partitions: [term.ref] }])
  })

  it('a report on an entry that this node has not applied yet is kept for it', () => {
    const term = leaderless()
    const next = { partitionEpoch: term.cluster.state(term.ref).partitionEpoch + 1 }
    for (const nodeId of [1, 2]) expect(term.report(nodeId, next)).toEqual([])
    term.cluster.register(3, { damaged: [term.ref] })
    term.asked = []
    term.show()
    expect(term.asked).toEqual([{ type: 'elect', partitions: [term.ref] }])
  })

  it('what was once said to be suspect or damaged stays so', () => {
    const term = leaderless()
    term.report(1, { damaged: true })
    term.report(1)
    term.report(2, { suspect: true })
    term.report(2)
    expect(term.ticks(100, 1, 2, 3)).toEqual([])
    expect(term.report(3, { suspect: true, syncedEndOffset: 1 })).toEqual([{ type: 'elect', partitions: [term.ref] }])
    term.settle()
    expect(term.cluster.state(term.ref)).toMatchObject({ leader: 2, elr: [3] })
  })

  it('a fenced member with a report is elected once it is unfenced', () => {
    const term = leaderless()
    term.step({ type: 'gone', nodeId: 2 })
    term.step({ type: 'gone', nodeId: 3 })
    term.settle()
    expect(term.report(1, { suspect: true })).toEqual([])
    expect(term.report(2)).toEqual([term.unfence(2)])
    term.settle()
    expect(term.cluster.state(term.ref).leader).toBe(2)
  })

  it('a new term knows no reports', () => {
    const term = leaderless()
    for (const nodeId of [1, 2, 3]) term.report(nodeId)
    const next = new Term({ cluster: term.cluster, ref: term.ref })
    expect(next.ticks(50, 1, 2, 3)).toEqual([])
    expect(next.cluster.elect(next.ref)).toBe(-1)
  })

  it('what was said about an earlier state of a partition is not kept', () => {
    const term = leaderless()
    const known = (): unknown => term.sessions.view().report(term.cluster.broker(1), term.ref)
    const { partitionEpoch } = term.cluster.state(term.ref)
    term.report(1, { partitionEpoch: partitionEpoch - 1 })
    expect(known()).toBeUndefined()
    for (const nodeId of [1, 2, 3]) term.report(nodeId)
    expect(known()).toMatchObject({ partitionEpoch })
    term.settle()
    expect(term.cluster.state(term.ref).leader).toBe(1)
    expect(known()).toBeUndefined()
    term.report(2, { partitionEpoch: partitionEpoch + 2 })
    term.cluster.run({ type: 'deleteTopic', topicId: term.ref.topicId })
    term.show()
    expect(term.sessions.view().report(term.cluster.broker(2), term.ref)).toBeUndefined()
  })

  it('a deleted topic is elected no more', () => {
    const term = leaderless()
    for (const nodeId of [1, 2]) term.report(nodeId)
    term.cluster.run({ type: 'deleteTopic', topicId: term.ref.topicId })
    term.show()
    expect(term.ticks(100, 1, 2, 3)).toEqual([])
  })

  it('splits a great many elections into commands of 1,000', () => {
    const made = threeBrokers()
    const many = made.cluster.create(
      'many',
      Array.from({ length: 1_500 }, () => [3]),
    )
    made.cluster.fence(3)
    const term = new Term({ cluster: made.cluster, ref: many })
    const commands = term.heard(3, {
      leaderless: Array.from({ length: 1_500 }, (_, partition) => ({
        topicId: many.topicId,
        partition,
        partitionEpoch: 1,
        lastEpoch: -1,
        syncedEndOffset: 0,
        suspect: false,
        damaged: false,
      })),
    })
    expect(commands).toEqual([term.unfence(3)])
    for (const command of term.asked.splice(0)) term.cluster.run(command)
    term.show()
    expect(term.asked.map((command) => (command.type === 'elect' ? command.partitions.length : 0))).toEqual([1_000, 500])
    term.settle()
    expect(term.cluster.topic(many.topicId).partitions.every((state) => state.leader === 3)).toBe(true)
  })
})
