import { BrokerError } from '../base/errors.ts'
import type { DumpedBatch } from '../log/dump-scan.ts'
import type { SnapshotName } from '../log/snapshot-files.ts'
import { hashImage } from '../metadata/hash.ts'
import { SnapshotParser } from '../runtime/snapshot-content.ts'

/** Judges a metadata snapshot for eyes, batch by batch: whether it is what its name says, and its image has the hash that was written. */
export class SnapshotAudit {
  readonly #parser: SnapshotParser
  #problem: string | undefined

  constructor(name: SnapshotName) {
    this.#parser = new SnapshotParser(name)
  }

  batch({ bytes, crcOk }: DumpedBatch): void {
    if (!crcOk) this.#problem ??= 'it is not whole: the checksum of a batch is wrong'
    if (this.#problem === undefined) this.#attempt(() => this.#parser.add(bytes))
  }

  /** `problem`: the first thing that makes it of no use. */
  finish(): { readonly records: number; readonly problem: string | undefined } {
    if (this.#problem === undefined) this.#attempt(() => this.#judgeImage())
    return { records: this.#parser.recordCount, problem: this.#problem }
  }

  #judgeImage(): void {
    const { image, imageHash } = this.#parser.finish()
    const found = hashImage(image)
    if (found !== imageHash) this.#problem = `it was written with the hash ${imageHash}, and has ${found}`
  }

  #attempt(step: () => void): void {
    try {
      step()
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      this.#problem = error.detail
    }
  }
}
