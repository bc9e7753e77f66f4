import type { AnyPeerMessage, MessageFilter } from '../../chaos/sim/held-messages.ts'

/** Fetches of a follower. */
export function fetches({ from }: { readonly from: number }): MessageFilter {
  return (sender, _to, message) => sender === from && 'fetches' in message
}

/** What leaders answer to followers; `highWatermarkAbove`: only where the answer would say more than that. */
export function fetchAnswers({ to, highWatermarkAbove }: { readonly to?: number; readonly highWatermarkAbove?: number }): MessageFilter {
  return (_from, receiver, message) =>
    (to === undefined || receiver === to) &&
    'answers' in message &&
    (highWatermarkAbove === undefined || message.answers.some(({ answer }) => answer.highWatermark > highWatermarkAbove))
}

/** What a leader says to a follower whose log parts from its own. */
export function divergence({ to }: { readonly to: number }): MessageFilter {
  return (_from, receiver, message) => receiver === to && 'answers' in message && message.answers.some(({ answer }) => answer.result.type === 'diverging')
}

/** Whether a fetch was refused, since it names an older leader epoch. */
export function isFenced(message: AnyPeerMessage): boolean {
  return 'answers' in message && message.answers.every(({ answer: { result } }) => result.type === 'error' && result.code === 'FENCED_LEADER_EPOCH')
}

/** What a broker asks of the active controller: proposals of an ISR among it. */
export function commands({ from }: { readonly from: number }): MessageFilter {
  return (sender, _to, message) => sender === from && 'type' in message && message.type === 'command'
}

/** What asks the active controller for a topic. */
export const createTopics: MessageFilter = (_from, _to, message) => 'type' in message && message.type === 'command' && message.command.type === 'createTopic'

export function commandReplies({ to }: { readonly to: number }): MessageFilter {
  return (_from, receiver, message) => receiver === to && 'type' in message && message.type === 'commandReply'
}

/** The code that the controller refused with; null: it did what it was asked for. */
export function replyCode(message: AnyPeerMessage): string | null {
  return 'type' in message && message.type === 'commandReply' && message.reply.type === 'error' ? message.reply.code : null
}

/** Entries of the metadata log, and heartbeats, on their way to a node. */
export function decisions({ to }: { readonly to: number }): MessageFilter {
  return (_from, receiver, message) => receiver === to && 'type' in message && message.type === 'raft' && message.message.type === 'append'
}

/** What a node answers to the heartbeats of the controller: how it is rides on it (rules R5.2). */
export function status({ from, to }: { readonly from: number; readonly to?: number }): MessageFilter {
  return (sender, receiver, message) =>
    sender === from && (to === undefined || receiver === to) && 'type' in message && message.type === 'raft' && message.message.type === 'appendReply'
}

/** Entries of a term on their way to followers; heartbeats pass. */
export function entriesOfTerm(term: number): MessageFilter {
  return (_from, _to, message) =>
    'type' in message && message.type === 'raft' && message.message.type === 'append' && message.message.entries.some((entry) => entry.term === term)
}

/** Pieces of a snapshot of the metadata on their way to a node. */
export function snapshotPieces({ to }: { readonly to: number }): MessageFilter {
  return (_from, receiver, message) => receiver === to && 'type' in message && message.type === 'raft' && message.message.type === 'snapshotChunk'
}
