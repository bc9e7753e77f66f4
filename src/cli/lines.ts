/**
 * Splits a stream of bytes into lines, a chunk at a time. A line is what stands before a delimiter, byte for byte (before a newline a carriage return
 * stays); what follows the last one is a line too, if there is any. Slices are of the chunk: copy what is to be kept.
 */
export class LineSplitter {
  readonly #delimiter: Buffer
  #rest: Buffer[] = []

  /** `delimiter`: at least one byte. */
  constructor(delimiter: Buffer = Buffer.from('\n')) {
    this.#delimiter = delimiter
  }

  feed(chunk: Buffer): Buffer[] {
    // A delimiter may lie across two chunks: only then is more than the rest of a line looked at again.
    const bytes = this.#rest.length > 0 && this.#delimiter.length > 1 ? Buffer.concat([...this.#rest.splice(0), chunk]) : chunk
    const lines: Buffer[] = []
    let from = 0
    for (let at = bytes.indexOf(this.#delimiter); at >= 0; at = bytes.indexOf(this.#delimiter, from)) {
      const piece = bytes.subarray(from, at)
      lines.push(this.#rest.length > 0 ? Buffer.concat([...this.#rest.splice(0), piece]) : piece)
      from = at + this.#delimiter.length
    }
    if (from < bytes.length) this.#rest.push(Buffer.from(bytes.subarray(from)))
    return lines
  }

  end(): Buffer[] {
    const rest = this.#rest
    this.#rest = []
    return rest.length === 0 ? [] : [Buffer.concat(rest)]
  }
}
