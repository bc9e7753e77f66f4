import type { InvariantName } from '../check/violation.ts'

/** A rule broken on purpose: one text replaced in one file of the build. */
export interface Mutant {
  readonly name: string
  /** Below dist/. */
  readonly file: string
  /** Must be there exactly once. */
  readonly find: string
  readonly replace: string
  readonly rule: string
  /** What has to notice it, named before it was tried. Several: the wound shows in more than one way. */
  readonly killedBy: readonly InvariantName[]
  /** Where seeds are too rare: the scripted world in which it is tried instead. */
  readonly scenario?: string
}

/** Changes nothing: what is noticed of it would be wrong with the machinery. */
export const emptyMutant: Mutant = {
  name: 'nothing',
  file: 'src/replication/leader.js',
  find: 'class Leader {',
  replace: 'class Leader {',
  rule: '-',
  killedBy: [],
}

export const mutants: readonly Mutant[] = [
  {
    name: 'ack before sync',
    file: 'src/log/segmented-log.js',
    find: 'else\n            yield* callVoid((done) => file.writevSynced(taken.buffers, position, done));',
    replace: 'else\n            yield* callVoid((done) => file.writev(taken.buffers, position, done));',
    rule: 'R3.2: completion is said after write and sync',
    killedBy: ['I9'],
  },
  {
    name: 'high watermark counts unsynced followers',
    file: 'src/replication/leader.js',
    find: 'follower.noteSynced({ syncedEndOffset: fetch.syncedEndOffset,',
    replace: 'follower.noteSynced({ syncedEndOffset: fetch.fetchOffset,',
    rule: 'R6.1: syncedOffset is the only thing that counts',
    killedBy: ['I1'],
  },
  {
    name: 'vote not persisted',
    file: 'src/raft/ballot.js',
    find: 'if (this.isSaved) {',
    replace: 'if (true) {',
    rule: 'R3.6: term and vote are synced before any answer that depends on them',
    killedBy: ['I9'],
  },
  {
    name: 'commit of an old term by count',
    file: 'src/raft/leader.js',
    find: 'if (decided <= this.#log.commitIndex || this.#log.termBefore(decided) !== this.#term)',
    replace: 'if (decided <= this.#log.commitIndex)',
    rule: 'R4.2: commit only through an entry of the current term',
    killedBy: ['I6', 'I8', 'assert'],
  },
  {
    name: 'divergence ignored',
    file: 'src/replication/leader.js',
    find: 'return epoch < fetch.lastFetchedEpoch || endOffset < fetch.fetchOffset ?',
    replace: 'return epoch < 0 && endOffset < 0 ?',
    rule: 'R6.2: a follower that parts from the leader is told where, and is given no data',
    killedBy: ['I1', 'I2', 'assert', 'convergence'],
  },
  {
    name: 'ISR expand without the epoch-start rule',
    file: 'src/replication/leader.js',
    find: 'return syncedEndOffset >= this.#log.highWatermark && syncedEndOffset >= this.epochStartOffset;',
    replace: 'return syncedEndOffset >= this.#log.highWatermark;',
    rule: 'R6.5: expand when synced end ≥ high watermark and ≥ the start of the epoch',
    killedBy: ['I1'],
    scenario: 'comes-back-as-the-leader-goes',
  },
  {
    name: 'restart keeps the leader epoch',
    file: 'src/controller/brokers.js',
    find: 'records.push(...withdrawBroker({ nodeId, isLost: (state) => (folderGone && !standing.has(refKey(state))) || damaged.has(refKey(state)) }, context));',
    replace: '',
    rule: 'R5.3: a new incarnation leaves every ISR, and what it led gets a higher leader epoch',
    killedBy: ['I7', 'assert'],
  },
  {
    name: 'producer state lost on failover',
    file: 'src/replication/own-log.js',
    find: 'this.producers.replay(header);',
    replace: '',
    rule: 'R6.8: producer state is derived from the log alone, on followers too',
    killedBy: ['delivery'],
  },
  {
    name: 'high watermark advances below min in-sync',
    file: 'src/replication/leader.js',
    find: 'if (!this.#isTooSmall()) {',
    replace: 'if (true) {',
    rule: 'R6.4 †: the high watermark does not advance while |ISR| < minISR',
    killedBy: ['I1'],
  },
  {
    name: 'unknown synced end does not hold the high watermark',
    file: 'src/replication/leader.js',
    find: 'this.#followers.get(nodeId)?.syncedEndOffset ?? 0);',
    replace: 'this.#followers.get(nodeId)?.syncedEndOffset ?? offset);',
    rule: 'R6.4 †: at each new leader epoch an unknown synced end holds the high watermark',
    killedBy: ['I1'],
  },
  {
    name: 'a pending expand is not counted',
    file: 'src/replication/isr.js',
    find: 'return [...committed, ...[...this.#attempted].filter((nodeId) => !committed.includes(nodeId))];',
    replace: 'return committed;',
    rule: 'R6.4: maximal ISR: a pending expand counts at once',
    killedBy: ['I1'],
  },
  {
    name: 'a proposed ISR counts as committed',
    file: 'src/replication/leader.js',
    find: 'return this.#isr.committed.length < this.#assignment.minInSyncReplicas;',
    replace: 'return this.#isr.maximal.length < this.#assignment.minInSyncReplicas;',
    rule: 'R6.4 †: |ISR| is that of the committed one, as the leader has applied it',
    killedBy: ['I1'],
  },
  {
    name: 'recovery claims what only the page cache holds',
    file: 'src/log/recovery.js',
    find: 'yield* callVoid((done) => file.sync(done));',
    replace: '',
    rule: 'R3.3 †: recovery syncs log and folder before it reports a synced end',
    killedBy: ['I9'],
  },
  {
    name: 'acks=all answered by the own sync',
    file: 'src/replication/waiters.js',
    find: 'this.#committing.takeBelow(options.highWatermark)',
    replace: 'this.#committing.takeBelow(options.syncedEndOffset)',
    rule: 'R6.6: acks=all is answered when the high watermark has passed',
    killedBy: ['I4'],
  },
  {
    name: 'metadata acknowledged before it is on disk',
    file: 'src/raft/follower.js',
    find: 'return Math.min(this.#log.persistedEndOffset, this.#matchedEndOffset);',
    replace: 'return this.#matchedEndOffset;',
    rule: 'R4.1: what must wait for the disk stays in the core',
    killedBy: ['I9'],
  },
  {
    name: 'a duplicate is appended again',
    file: 'src/replication/leader.js',
    find: "const verdict = header.producerId < 0 ? { type: 'next' } : this.#log.producers.check(header);",
    replace: "const verdict = { type: 'next' };",
    rule: 'R6.8: a duplicate answers its first offset',
    killedBy: ['delivery', 'order', 'assert'],
  },
  {
    name: 'a follower takes the log start of its leader as it is',
    file: 'src/replication/follower.js',
    find: 'const startOffset = Math.min(this.#leaderStartOffset, this.#log.highWatermark);',
    replace: 'const startOffset = Math.min(this.#leaderStartOffset, this.#log.endOffset);',
    rule: 'R6.4: the log start of a follower goes no further than its own high watermark',
    killedBy: ['assert', 'start'],
    scenario: 'deletes-while-replicas-return',
  },
  {
    name: 'a follower is reset though it ends above the log start',
    file: 'src/replication/leader.js',
    find: 'if (fetch.fetchOffset < startBatchOffset) {',
    replace: 'if (startBatchOffset > 0 && fetch.fetchOffset <= logEndOffset) {',
    rule: 'R6.2: only a log that ends below the start of the leader begins anew there',
    killedBy: ['convergence', 'assert'],
    scenario: 'deletes-while-replicas-return',
  },
  {
    name: 'consumers read above the high watermark',
    file: 'src/broker/consumer-fetch.js',
    find: 'const { highWatermark } = replica.core;',
    replace: 'const highWatermark = replica.log.endOffset;',
    rule: 'R6.7: visible to consumers is what lies below the high watermark',
    killedBy: ['delivery', 'order'],
  },
  {
    name: 'an election keeps the leader epoch',
    file: 'src/controller/partition-change.js',
    find: 'leaderEpoch: leaderChanges ? before.leaderEpoch + 1 : before.leaderEpoch,',
    replace: 'leaderEpoch: before.leaderEpoch,',
    rule: 'R5.4: nobody leads with a leader epoch granted to somebody else',
    killedBy: ['I3', 'assert'],
  },
]
