import type { Socket } from 'node:net'
import type { Random } from '../../../src/base/random.ts'
import type { Flow } from './flow.ts'

/** Beyond this nothing more is read: the sender's own buffers fill, as with any network. */
const MAX_QUEUED_BYTES = 1024 * 1024

/** Whatever is shorter may be no more than its own length on the line. */
const THROTTLED_MS = 1

/** What comes from one side: bytes, the end of them, that it is closed as well, or a reset. */
type Piece = Buffer | 'end' | 'closed' | 'reset'

interface Queued {
  readonly piece: Piece
  readonly dueMs: number
}

/** Carries what one socket says to another, in order, under the condition of its flow. */
export class Pump {
  readonly #source: Socket
  readonly #sink: Socket
  readonly #flow: Flow
  readonly #random: Random
  readonly #queue: Queued[] = []
  readonly #wake = (): void => this.#deliver()
  #queuedBytes = 0
  #lastDueMs = 0
  #hasEnded = false
  #isOver = false
  #timer: NodeJS.Timeout | undefined

  constructor(source: Socket, sink: Socket, flow: Flow, random: Random) {
    this.#source = source
    this.#sink = sink
    this.#flow = flow
    this.#random = random
    flow.waiting.add(this.#wake)
    source.on('data', (chunk: Buffer) => this.#take(chunk))
    source.on('end', () => {
      this.#hasEnded = true
      this.#take('end')
    })
    source.on('close', () => this.#take(this.#hasEnded ? 'closed' : 'reset'))
    sink.on('drain', this.#wake)
    sink.on('close', () => this.stop())
  }

  stop(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#flow.waiting.delete(this.#wake)
    this.#queue.length = 0
    // What it still says is for nobody.
    this.#source.resume()
  }

  #take(piece: Piece): void {
    if (this.#isOver) return
    const { condition, counts } = this.#flow
    const bytes = Buffer.isBuffer(piece) ? piece.length : 0
    const nowMs = performance.now()
    const jitterMs = condition.jitterMs === 0 ? 0 : this.#random.integer(Math.ceil(condition.jitterMs) + 1)
    const arrivesMs = nowMs + condition.delayMs + jitterMs
    // Each takes its time on the line, also where nothing is before it.
    const sentMs = Math.max(arrivesMs, this.#lastDueMs) + (bytes * 1000) / condition.bytesPerSecond
    this.#lastDueMs = sentMs
    if (condition.isCut) counts.held++
    if (arrivesMs > nowMs) counts.delayed++
    if (sentMs - arrivesMs >= THROTTLED_MS) counts.throttled++
    this.#queue.push({ piece: Buffer.isBuffer(piece) ? this.#perhapsCorrupted(piece) : piece, dueMs: this.#lastDueMs })
    this.#queuedBytes += bytes
    if (this.#queuedBytes > MAX_QUEUED_BYTES) this.#source.pause()
    this.#deliver()
  }

  #perhapsCorrupted(chunk: Buffer): Buffer {
    const { condition, counts } = this.#flow
    if (condition.corruptOneIn === 0 || this.#random.integer(condition.corruptOneIn) > 0) return chunk
    counts.corrupted++
    const at = this.#random.integer(chunk.length)
    const changed = Buffer.from(chunk)
    changed[at] = (changed[at] as number) ^ (1 << this.#random.integer(8))
    return changed
  }

  #deliver(): void {
    clearTimeout(this.#timer)
    while (!this.#isOver && !this.#flow.condition.isCut && !this.#sink.writableNeedDrain) {
      const next = this.#queue[0]
      if (next === undefined) break
      const waitMs = next.dueMs - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(this.#wake, waitMs)
        break
      }
      this.#queue.shift()
      this.#give(next.piece)
    }
    if (this.#queuedBytes <= MAX_QUEUED_BYTES && this.#source.isPaused()) this.#source.resume()
  }

  #give(piece: Piece): void {
    if (Buffer.isBuffer(piece)) {
      this.#queuedBytes -= piece.length
      this.#sink.write(piece)
    } else if (piece === 'end') this.#sink.end()
    else if (piece === 'closed') this.#sink.destroySoon()
    else this.#sink.resetAndDestroy()
  }
}
