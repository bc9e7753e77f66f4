import type { BatchMark } from './log-mirror.ts'
import { demand } from './violation.ts'

/** I2: equal (offset, epoch) → equal bytes, on any two replicas, ever, but for what a disk changed. Logs are named by the caller: a partition, or the metadata log. */
export class EqualBytes {
  readonly #logs = new Map<string, Map<number, Map<number, { readonly mark: BatchMark; readonly where: string }>>>()

  appeared(log: string, where: string, marks: readonly BatchMark[]): void {
    const byEpoch = this.#logs.get(log) ?? new Map<number, Map<number, { mark: BatchMark; where: string }>>()
    this.#logs.set(log, byEpoch)
    for (const mark of marks) {
      if (mark.isRotten) continue
      const byOffset = byEpoch.get(mark.epoch) ?? new Map<number, { mark: BatchMark; where: string }>()
      byEpoch.set(mark.epoch, byOffset)
      const known = byOffset.get(mark.baseOffset)
      if (known === undefined) byOffset.set(mark.baseOffset, { mark, where })
      else {
        demand(
          known.mark.checksum === mark.checksum && known.mark.lastOffset === mark.lastOffset,
          'I2',
          () =>
            `${log} offset ${mark.baseOffset} of epoch ${mark.epoch} is different on ${where} (${mark.checksum}) and ${known.where} (${known.mark.checksum})`,
        )
      }
    }
  }
}
