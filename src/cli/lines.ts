const NEWLINE = 0x0a

/**
 * Splits a stream of bytes into lines, a chunk at a time. A line is what stands before a newline, byte for byte (a carriage return stays);
 * what follows the last newline is a line too, if there is any. Slices are of the chunk: copy what is to be kept.
 */
export class LineSplitter {
  #rest: Buffer[] = []

  feed(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = []
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const piece = chunk.subarray(from, at)
      if (this.#rest.length > 0) {
        lines.push(Buffer.concat([...this.#rest, piece]))
        this.#rest = []
      } else lines.push(piece)
      from = at + 1
    }
    if (from < chunk.length) this.#rest.push(Buffer.from(chunk.subarray(from)))
    return lines
  }

  end(): Buffer[] {
    const rest = this.#rest
    this.#rest = []
    return rest.length === 0 ? [] : [Buffer.concat(rest)]
  }
}
