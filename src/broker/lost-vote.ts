import type { Uuid } from '../base/ids.ts'
import type { Logger } from '../base/log-line.ts'
import type { MetadataImage } from '../metadata/image.ts'

/** A voter is an id and a folder: with another folder under its id a node has no vote, and says so (rules R2.2). */
export function warnOfLostVote(logger: Logger, image: MetadataImage, self: { readonly nodeId: number; readonly directoryId: Uuid }): void {
  const known = image.voters.find((voter) => voter.nodeId === self.nodeId)
  if (known === undefined || known.directoryId === null || known.directoryId === self.directoryId) return
  const fields = { directoryId: self.directoryId, voterDirectoryId: known.directoryId }
  logger.warn(fields, `this node is an observer: the voter with its id had another data folder (give it the vote back: oxbow quorum add-voter ${self.nodeId})`)
}
