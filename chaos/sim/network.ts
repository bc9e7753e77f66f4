import { assert } from '../../src/base/assert.ts'
import { between, type Random } from '../../src/base/random.ts'
import { copyMessage, messageBytes } from './copy.ts'
import type { EventQueue, Owner } from './event-queue.ts'
import { type LinkConditions, Links } from './links.ts'
import type { Trace } from './trace.ts'

/** How a dialled connection is meant: a node's control stream, a follower's fetch stream, a client. */
export type Purpose = 'control' | 'fetch' | 'client'

/** A machine on the simulated network: at most one process listens there. */
export class Host {
  readonly id: number
  readonly name: string
  /** False: the power is off, so nothing answers, not even a refusal. */
  machineUp = true
  process: Owner | null = null
  accept: ((end: ConnectionEnd, purpose: Purpose) => void) | null = null

  constructor(id: number, name: string) {
    this.id = id
    this.name = name
  }
}

export interface DialHandlers {
  opened(end: ConnectionEnd): void
  /** The port is closed: nobody listens there. */
  refused(): void
  timedOut(): void
}

const CHECK_EVERY_US = 250_000
const DIAL_TIMEOUT_US = 2_000_000
const HIGH_WATER_BYTES = 256 * 1024
/** Unsent bytes to one peer; what comes on top is dropped (rules 8). */
export const LOOSE_BUDGET_BYTES = 16 * 1024 * 1024
/** What a lost segment of a stream costs: a retransmission (TCP's least timeout), with all behind it waiting. */
const RETRANSMIT_US = 200_000

/**
 * One end of a connection, as TCP would give it: in order, whole, or closed. `sendLoose` is for what may be lost, doubled and reordered
 * on the way (control messages, runtime/transport.ts). Everything that arrives is a copy, in an event of the receiver's owner.
 */
export class ConnectionEnd {
  readonly host: Host
  readonly owner: Owner
  readonly #network: Network
  readonly keepaliveUs: number
  other: ConnectionEnd | undefined
  open = true
  silentSinceUs: number | undefined
  /** Reliable messages that a cut holds back. */
  readonly stalled: { readonly message: unknown; readonly sizeBytes: number }[] = []
  lastArrivalUs = 0
  inFlightBytes = 0
  looseBytes = 0
  #message: (message: unknown) => void = () => {}
  #close: () => void = () => {}
  #drain: () => void = () => {}
  #full = false

  constructor(network: Network, host: Host, owner: Owner, keepaliveUs: number) {
    this.#network = network
    this.host = host
    this.owner = owner
    this.keepaliveUs = keepaliveUs
  }

  onMessage(handler: (message: unknown) => void): void {
    this.#message = handler
  }

  /** Said once, when the other side closed it or it broke; not after an own close. */
  onClose(handler: () => void): void {
    this.#close = handler
  }

  onDrain(handler: () => void): void {
    this.#drain = handler
  }

  /** False: more than 256 KiB are under way; onDrain says when it is less. */
  send(message: unknown): boolean {
    if (!this.open) return true
    const sizeBytes = messageBytes(message)
    this.inFlightBytes += sizeBytes
    this.#network.transmit(this, message, sizeBytes)
    if (this.inFlightBytes > HIGH_WATER_BYTES) this.#full = true
    return !this.#full
  }

  sendLoose(message: unknown): void {
    if (this.open) this.#network.transmitLoose(this, message)
  }

  close(): void {
    if (this.open) this.#network.closeEnd(this)
  }

  deliver(message: unknown): void {
    this.#message(message)
  }

  arrived(sizeBytes: number): void {
    this.inFlightBytes -= sizeBytes
    if (this.#full && this.inFlightBytes < HIGH_WATER_BYTES / 2) {
      this.#full = false
      this.#network.queue.defer(this.owner, () => {
        if (this.open) this.#drain()
      })
    }
  }

  broken(): void {
    this.#close()
  }
}

/** The cluster's network: hosts, links with their conditions, connections. */
export class Network {
  readonly queue: EventQueue
  readonly links: Links
  readonly #random: Random
  readonly #trace: Trace
  readonly #hosts = new Map<number, Host>()
  readonly #byName = new Map<string, Host>()
  readonly #ends = new Set<ConnectionEnd>()
  messages = 0

  constructor(options: { readonly queue: EventQueue; readonly random: Random; readonly trace: Trace; readonly conditions: LinkConditions }) {
    this.queue = options.queue
    this.#random = options.random
    this.#trace = options.trace
    this.links = new Links(options.random.fork('links'), options.conditions)
    this.links.onHeal((from, to) => this.#flush(from, to))
    this.#check()
  }

  addHost(id: number, name: string): Host {
    const host = new Host(id, name)
    this.#hosts.set(id, host)
    this.#byName.set(name, host)
    return host
  }

  /** All hosts so far. */
  get hostIds(): Iterable<number> {
    return this.#hosts.keys()
  }

  /** Connections that are open at this host. */
  openEnds(host: Host): number {
    let count = 0
    for (const end of this.#ends) if (end.host === host) count += 1
    return count
  }

  /** The most bytes that this host has on their way to one other, of what may be lost (rules 8). */
  unsentBytes(host: Host): number {
    let most = 0
    for (const end of this.#ends) if (end.host === host && end.looseBytes > most) most = end.looseBytes
    return most
  }

  dial(from: Host, owner: Owner, toName: string, purpose: Purpose, handlers: DialHandlers): void {
    let settled = false
    const settle = (action: () => void): void => {
      if (settled) return
      settled = true
      action()
    }
    this.queue.schedule(DIAL_TIMEOUT_US, owner, () => settle(() => handlers.timedOut()))
    const to = this.#byName.get(toName)
    if (to === undefined) return
    this.#knock(from, owner, to, purpose, {
      opened: (end) => {
        if (settled && end.open) this.closeEnd(end)
        // Accepted and closed again before we heard of it.
        else if (!end.open) settle(() => handlers.refused())
        else settle(() => handlers.opened(end))
      },
      refused: () => settle(() => handlers.refused()),
      timedOut: () => {},
    })
  }

  #knock(from: Host, owner: Owner, to: Host, purpose: Purpose, handlers: DialHandlers): void {
    if (this.links.stops(from.id, to.id)) return
    this.queue.schedule(this.links.delayUs(from.id, to.id), null, () => {
      if (!to.machineUp) return
      const { process } = to
      if (process === null || process.dead || to.accept === null) {
        if (!this.links.stops(to.id, from.id)) this.queue.schedule(this.links.delayUs(to.id, from.id), owner, () => handlers.refused())
        return
      }
      this.queue.schedule(0, process, () => this.#accept(from, owner, to, process, purpose, handlers))
    })
  }

  #accept(from: Host, owner: Owner, to: Host, process: Owner, purpose: Purpose, handlers: DialHandlers): void {
    if (owner.dead || to.accept === null) return
    const near = new ConnectionEnd(this, from, owner, this.#keepaliveUs())
    const far = new ConnectionEnd(this, to, process, this.#keepaliveUs())
    near.other = far
    far.other = near
    this.#ends.add(near)
    this.#ends.add(far)
    to.accept(far, purpose)
    if (this.links.isBlocked(to.id, from.id)) return
    this.queue.schedule(this.links.delayUs(to.id, from.id), owner, () => handlers.opened(near))
  }

  #keepaliveUs(): number {
    return between(this.#random, 1_500_000, 5_000_000)
  }

  transmit(end: ConnectionEnd, message: unknown, sizeBytes: number): void {
    const other = end.other as ConnectionEnd
    const { links } = this
    if (links.stops(end.host.id, other.host.id) || !other.host.machineUp) {
      end.stalled.push({ message, sizeBytes })
      return
    }
    if (!other.open) {
      this.#breakLater(end)
      return
    }
    let delayUs = links.delayUs(end.host.id, other.host.id)
    if (links.losesSegment(end.host.id, other.host.id)) {
      if (this.#random.integer(20) === 0) {
        this.#breakLater(end)
        this.#breakLater(other)
        return
      }
      delayUs += RETRANSMIT_US
    }
    const atUs = Math.max(this.queue.nowUs + delayUs, end.lastArrivalUs)
    end.lastArrivalUs = atUs
    this.queue.schedule(atUs - this.queue.nowUs, other.owner, () => {
      end.arrived(sizeBytes)
      if (other.open) this.#hand(end, other, message, sizeBytes)
    })
  }

  transmitLoose(end: ConnectionEnd, message: unknown): void {
    const other = end.other as ConnectionEnd
    const { links } = this
    const from = end.host.id
    const to = other.host.id
    if (links.stops(from, to) || !other.host.machineUp) return
    if (!other.open && !other.owner.dead) this.#breakLater(end)
    const sizeBytes = messageBytes(message)
    if (links.losesMessage(from, to) || end.looseBytes + sizeBytes > LOOSE_BUDGET_BYTES) return
    end.looseBytes += sizeBytes
    let atUs = this.queue.nowUs + links.delayUs(from, to)
    if (!links.reorders(from, to)) {
      atUs = Math.max(atUs, end.lastArrivalUs)
      end.lastArrivalUs = atUs
    }
    this.queue.schedule(atUs - this.queue.nowUs, other.owner, () => {
      end.looseBytes -= sizeBytes
      this.#hand(end, other, message, sizeBytes)
    })
    const twiceUs = links.doublesMessageAfterUs(from, to)
    if (twiceUs !== undefined) this.queue.schedule(atUs + twiceUs - this.queue.nowUs, other.owner, () => this.#hand(end, other, message, sizeBytes))
  }

  #hand(from: ConnectionEnd, to: ConnectionEnd, message: unknown, sizeBytes: number): void {
    this.messages += 1
    this.#trace.mix(from.host.id * 4096 + to.host.id)
    this.#trace.mix(sizeBytes)
    to.deliver(copyMessage(message))
  }

  /** An orderly close: the other end hears of it unless a cut lies between. */
  closeEnd(end: ConnectionEnd): void {
    assert(end.open, 'an end is closed once')
    end.open = false
    this.#ends.delete(end)
    const other = end.other as ConnectionEnd
    if (!other.open || this.links.isBlocked(end.host.id, other.host.id) || !end.host.machineUp) return
    const atUs = Math.max(this.queue.nowUs + this.links.delayUs(end.host.id, other.host.id), end.lastArrivalUs)
    this.queue.schedule(atUs - this.queue.nowUs, other.owner, () => this.#break(other))
  }

  /** The process is gone: its ends close without a word of their own, and the kernel resets the others while the machine is up. */
  processDied(owner: Owner): void {
    for (const end of [...this.#ends]) if (end.owner === owner && end.open) this.closeEnd(end)
  }

  #breakLater(end: ConnectionEnd): void {
    this.queue.schedule(this.links.delayUs(end.host.id, end.host.id), end.owner, () => this.#break(end))
  }

  #break(end: ConnectionEnd): void {
    if (!end.open) return
    this.closeEnd(end)
    end.broken()
  }

  /** Keepalive: each end asks for a sign of life; one that has had none for its time is closed. */
  #check(): void {
    this.queue.schedule(CHECK_EVERY_US, null, () => {
      for (const end of this.#ends) this.#checkEnd(end)
      this.#check()
    })
  }

  #checkEnd(end: ConnectionEnd): void {
    const other = end.other as ConnectionEnd
    const cut = this.links.stops(end.host.id, other.host.id) || this.links.isBlocked(other.host.id, end.host.id)
    if (!cut && other.host.machineUp && !other.open) {
      this.#breakLater(end)
      return
    }
    if (!cut && other.host.machineUp && !other.owner.paused) {
      end.silentSinceUs = undefined
      return
    }
    end.silentSinceUs ??= this.queue.nowUs
    if (this.queue.nowUs - end.silentSinceUs >= end.keepaliveUs) this.#breakLater(end)
  }

  #flush(from: number, to: number): void {
    for (const end of this.#ends) {
      if (end.host.id !== from || end.other?.host.id !== to) continue
      for (const { message, sizeBytes } of end.stalled.splice(0)) this.transmit(end, message, sizeBytes)
    }
  }
}
