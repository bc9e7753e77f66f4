import { assert } from '../../src/base/assert.ts'

/**
 * Whose events they are: a process, a machine, a client. A paused owner's events are held back until it resumes, in their order;
 * a dead owner's never happen. `paused` may be set again and again; `dead` is for ever (a restart is a new owner).
 */
export class Owner {
  readonly name: string
  #paused = false
  #dead = false
  #heldCount = 0
  readonly held: SimEvent[] = []

  constructor(name: string) {
    this.name = name
  }

  get paused(): boolean {
    return this.#paused
  }

  get dead(): boolean {
    return this.#dead
  }

  /** How many events a pause has held back so far: the observation of a pause. */
  get heldCount(): number {
    return this.#heldCount
  }

  hold(event: SimEvent): void {
    assert(this.#paused, 'only a paused owner holds events')
    this.held.push(event)
    this.#heldCount += 1
  }

  pause(): void {
    this.#paused = true
  }

  /** Gives back what was held; the queue runs it now. */
  resume(): SimEvent[] {
    this.#paused = false
    return this.held.splice(0)
  }

  die(): void {
    this.#dead = true
    this.held.length = 0
  }
}

export interface SimEvent {
  /** Microseconds of simulated time, an integer. A pause moves it. */
  atUs: number
  sequence: number
  /** null: the world itself. */
  readonly owner: Owner | null
  /** undefined: cancelled or done. */
  callback: (() => void) | undefined
}

/**
 * Simulated time: a binary heap by (time, sequence). Nothing happens between events, and at most one event is under way.
 * What was deferred during an event runs right after it, each as an event of its own at the same time, before anything of the heap.
 */
export class EventQueue {
  readonly #heap: SimEvent[] = []
  #deferred: SimEvent[] = []
  #deferredAt = 0
  #nowUs = 0
  #sequence = 0
  #steps = 0

  get nowUs(): number {
    return this.#nowUs
  }

  get nowMs(): number {
    return this.#nowUs / 1000
  }

  /** Events run so far. */
  get steps(): number {
    return this.#steps
  }

  schedule(delayUs: number, owner: Owner | null, callback: () => void): SimEvent {
    assert(delayUs >= 0 && Number.isFinite(delayUs), 'nothing is scheduled in the past')
    const event: SimEvent = { atUs: this.#nowUs + Math.round(delayUs), sequence: this.#sequence, owner, callback }
    this.#sequence += 1
    this.#push(event)
    return event
  }

  defer(owner: Owner | null, callback: () => void): void {
    this.#deferred.push({ atUs: this.#nowUs, sequence: this.#sequence, owner, callback })
    this.#sequence += 1
  }

  /** Held events happen now, in the order in which they were due. */
  resume(owner: Owner): void {
    for (const event of owner.resume()) {
      event.atUs = this.#nowUs
      event.sequence = this.#sequence
      this.#sequence += 1
      this.#push(event)
    }
  }

  /** Runs the next event; undefined when there is none. Events of the dead and the held back are passed over without being a step. */
  step(): SimEvent | undefined {
    for (;;) {
      const event = this.#next()
      if (event === undefined) return undefined
      const { callback, owner } = event
      if (callback === undefined || owner?.dead === true) continue
      this.#nowUs = Math.max(this.#nowUs, event.atUs)
      if (owner?.paused === true) {
        owner.hold(event)
        continue
      }
      event.callback = undefined
      this.#steps += 1
      callback()
      return event
    }
  }

  /** When the next event is due; undefined when there is none. */
  peekUs(): number | undefined {
    return this.#deferredAt < this.#deferred.length ? this.#nowUs : this.#heap[0]?.atUs
  }

  #next(): SimEvent | undefined {
    if (this.#deferredAt < this.#deferred.length) {
      const event = this.#deferred[this.#deferredAt] as SimEvent
      this.#deferredAt += 1
      if (this.#deferredAt === this.#deferred.length) {
        this.#deferred = []
        this.#deferredAt = 0
      }
      return event
    }
    return this.#pop()
  }

  #push(event: SimEvent): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const parentAt = (at - 1) >>> 1
      const parent = heap[parentAt] as SimEvent
      if (comesBefore(parent, event)) break
      heap[at] = parent
      at = parentAt
    }
    heap[at] = event
  }

  #pop(): SimEvent | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let childAt = 2 * at + 1
      if (childAt >= heap.length) break
      const right = heap[childAt + 1]
      if (right !== undefined && comesBefore(right, heap[childAt] as SimEvent)) childAt += 1
      const child = heap[childAt] as SimEvent
      if (comesBefore(last, child)) break
      heap[at] = child
      at = childAt
    }
    heap[at] = last
    return first
  }
}

function comesBefore(left: SimEvent, right: SimEvent): boolean {
  return left.atUs < right.atUs || (left.atUs === right.atUs && left.sequence < right.sequence)
}
