import { ImageBuilder } from './builder.ts'
import type { MetadataDelta, MetadataImage } from './image.ts'
import type { MetadataRecord } from './records.ts'

/** One committed (or appended) entry: all records of one decision and the metadata offset that it has. */
export interface MetadataEntry {
  readonly offset: number
  readonly records: readonly MetadataRecord[]
}

/**
 * Applies entries in order; the first must be the image's next. A pure function of its arguments, the same on every node (rules R5.1):
 * any split of the same entries into batches ends in the same image. A batch copies each map, and each topic it touches, at most once.
 * What breaks an invariant of metadata was decided wrongly and ends the node by an assertion; nothing here comes from outside.
 */
export function applyEntries(image: MetadataImage, entries: readonly MetadataEntry[]): { readonly image: MetadataImage; readonly delta: MetadataDelta } {
  const builder = new ImageBuilder(image)
  for (const entry of entries) builder.applyEntry(entry.offset, entry.records)
  return builder.finish()
}
