import { assert } from '../base/assert.ts'
import type { MetadataRecord } from '../metadata/records.ts'
import type { RaftInput } from '../raft/effects.ts'
import { Raft } from '../raft/raft.ts'
import type { ProposeRecords } from '../runtime/controller-host.ts'
import { decodeEntry, encodeEntry } from '../runtime/decision-entry.ts'
import { MetadataSnapshots } from '../runtime/metadata-snapshots.ts'
import { MetadataStorage } from '../runtime/metadata-storage.ts'
import { RaftNode, type RaftNodeEvents } from '../runtime/raft-node.ts'
import { electionTicksOf } from '../runtime/ticks.ts'
import type { OpenedFolder } from './node-open.ts'
import { limitsOf } from './limits.ts'
import type { NodeOptions, NodeSeams } from './surface.ts'

/** What the rest of the node hears of its Raft. */
export type NodeRaftEvents = Pick<RaftNodeEvents, 'committed' | 'installed' | 'role' | 'transfer' | 'opening' | 'status'>

export interface NodeRaft {
  readonly raft: RaftNode
  readonly snapshots: MetadataSnapshots
}

/** A node's Raft: the core, from what the folder holds, on the drivers of its disk and its peers. */
export function makeRaft(options: NodeOptions, seams: NodeSeams, folder: OpenedFolder, events: NodeRaftEvents): NodeRaft {
  const { clock, logger, transport, random, fatal } = seams
  const { quorumState, properties, damagedBelow } = folder
  const limits = limitsOf(options)
  const { opened, files, loaded, start, voterSets } = folder.metadata
  const { log, recovery } = opened
  const state = quorumState.state
  let node: RaftNode | undefined
  const feed = (input: RaftInput): void => {
    assert(node !== undefined, 'nothing completes before the node is made')
    node.feed(input)
  }
  const storage = new MetadataStorage({
    log,
    votes: quorumState,
    state,
    events: {
      persisted: (term, endOffset) => feed({ type: 'persisted', term, endOffset }),
      voteSaved: (term, votedFor) => feed({ type: 'voteSaved', term, votedFor }),
      failed: fatal,
    },
  })
  const snapshots = new MetadataSnapshots({
    files,
    clock,
    logger,
    maxBytes: options.config.metadataSnapshotBytes,
    maxAgeMs: options.config.metadataSnapshotMs,
    chunkBytes: limits.snapshotChunkBytes,
    newest: loaded === null ? null : { ...loaded.snapshot, writtenMs: loaded.writtenMs },
    feed,
    send: (to, message) => transport.send(to, { type: 'raft', message, status: null }),
    failed: fatal,
  })
  const raft = new Raft({
    self: { nodeId: options.nodeId, directoryId: properties.directoryId },
    canVote: options.roles.controller,
    firstVoterIds: options.voterIds,
    random: random.fork('raft'),
    term: state.term,
    votedFor: state.votedFor,
    epochs: recovery.epochs,
    ...start,
    endOffset: log.endOffset,
    // A process that died between the new start of its log and the mark behind it left a mark below both: a snapshot holds what lies there.
    persistedEndOffset: Math.max(start.startOffset, storage.persistedEndOffset),
    voterSet: voterSets.set,
    damagedBelow,
    electionTicks: electionTicksOf(options.config),
    limits,
  })
  node = new RaftNode({
    raft,
    log,
    storage,
    snapshots,
    transport,
    clock,
    logger,
    events: {
      ...events,
      appended: (offset, batches) => batches.reduce((changed, batch, at) => voterSets.appended(offset + at, decodeEntry(batch)) || changed, false),
      truncated: (endOffset) => voterSets.truncated(endOffset),
      voterSet: () => voterSets.set,
      replaced: (image) => voterSets.replaced(image),
      failed: fatal,
    },
    applyBytes: limits.applyBytes,
  })
  return { raft: node, snapshots }
}

/** One decision as one entry; a change of the voters is Raft's own matter too (rules R4.4). */
export function proposeDecision(raft: RaftNode, records: readonly MetadataRecord[], wallMs: number): ReturnType<ProposeRecords> {
  const entry = encodeEntry(records, wallMs)
  const change = records.find((record) => record.type === 'voters')
  if (change === undefined) return raft.propose(entry)
  const result = raft.proposeVoters(entry, change.voters)
  assert(result.type !== 'votersRefused', 'a decision about voters was judged by Raft before it was made')
  return result
}
