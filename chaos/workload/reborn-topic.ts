import type { Clock } from '../../src/base/clock.ts'
import type { Uuid } from '../../src/base/ids.ts'
import { BrokerError } from '../../src/base/errors.ts'
import type { Random } from '../../src/base/random.ts'
import type { Key, Outcome } from '../operations/operation.ts'
import { sleep } from '../sleep.ts'
import { pollToTheEnd } from './last-phase.ts'
import type { RebornPlaces } from './reborn-places.ts'
import type { Seen } from './seen.ts'
import type { TopicOptions } from './topics.ts'
import type { Worker } from './worker.ts'
import { PARTITIONS_PER_TOPIC, type Places } from './places.ts'

export interface RebornTopicOptions {
  readonly clock: Clock
  readonly places: RebornPlaces
  readonly worker: Worker
  /** Of this topic alone. */
  readonly seen: Seen
  readonly random: Random
  readonly topic: TopicOptions
  readonly everyMs: number
}

const OPERATIONS_PER_LIFE = 60
const AGAIN_AFTER_MS = 200
/** All of a life has to be read before it ends; where it cannot be had for so long the life goes on. */
const READ_LIMIT_MS = 5_000
/** One in so many operations polls. */
const POLL_ONE_IN = 3

/**
 * One topic that is made, written to, read, deleted, and made again by the same name, by one thread. A life is over only once everything of it that was
 * acknowledged was polled: what of it turns up in a later one belongs to no key of that, which the checker calls an unexpected read.
 */
export class RebornTopic {
  readonly worker: Worker
  readonly #options: RebornTopicOptions
  #nextValue = 1
  #lives = 0
  /** Of the life that was ended last. */
  #endedId: Uuid | undefined
  #presentId: Uuid | undefined

  constructor(options: RebornTopicOptions) {
    this.worker = options.worker
    this.#options = options
  }

  /** That were ended. */
  get lives(): number {
    return this.#lives
  }

  /** Of its present life, with something in them. */
  get keys(): readonly Key[] {
    return [...this.#options.seen.ends().keys()]
  }

  get places(): Places {
    return this.#options.places
  }

  get outcomes(): Readonly<Record<Outcome, number>> {
    return this.#options.seen.outcomes
  }

  async run(isStopped: () => boolean): Promise<void> {
    const { clock, places, seen } = this.#options
    while (!isStopped()) {
      if (!(await until(clock, isStopped, () => this.#make()))) return
      await this.#live(isStopped)
      if (isStopped() || (await this.pollToTheEnd(clock.monotonicMs() + READ_LIMIT_MS)).length > 0 || seen.hasUnplaced) continue
      // From here on nobody has to find it any more.
      for (const key of places.keys) seen.forget(key)
      places.beginLife()
      this.#endedId = this.#presentId
      if (!(await until(clock, isStopped, () => this.#delete()))) return
      this.#lives++
    }
  }

  /** Of the life that it is in. */
  async pollToTheEnd(deadlineMs: number): Promise<readonly Key[]> {
    const { seen } = this.#options
    return seen.ends().size === 0 ? [] : await pollToTheEnd(this.#options, this.worker, deadlineMs, () => this.#isKnown())
  }

  async #live(isStopped: () => boolean): Promise<void> {
    const { clock, places, random, everyMs } = this.#options
    const { worker } = this
    // What its client has assigned is of the life before.
    let isAssigned = false
    for (let at = 0; at < OPERATIONS_PER_LIFE && !isStopped(); at++) {
      const key = places.keys[random.integer(PARTITIONS_PER_TOPIC)] as number
      if (!isAssigned || worker.assigned === 0)
        isAssigned = (await this.#isKnown()) && (await worker.perform({ f: 'assign', keys: places.keys, seekToBeginning: false })).type === 'ok'
      else if (random.integer(POLL_ONE_IN) === 0) await worker.perform({ f: 'poll' })
      else await worker.perform({ f: 'send', key, value: this.#nextValue++ })
      await sleep(clock, everyMs)
    }
  }

  /** Where a node that is behind said that the topic was gone already, it is the one of the life before, and is deleted now. */
  async #make(): Promise<void> {
    const { places, topic } = this.#options
    const admin = this.worker.client.admin()
    const { topicId } = await admin.createTopic({ name: places.topic, partitions: PARTITIONS_PER_TOPIC, ifNotExists: true, ...topic })
    if (topicId !== this.#endedId) this.#presentId = topicId
    else await this.#delete()
    if (this.#presentId !== topicId) throw new BrokerError('TOPIC_ALREADY_EXISTS', `${places.topic} was not deleted yet`)
  }

  /**
   * Whether its client knows the present life, and so hears of no other any more: a node that was asleep may still speak of the one before, and serve
   * it, to whoever knows no better.
   */
  async #isKnown(): Promise<boolean> {
    try {
      const [topic] = await this.worker.client.admin().describeTopics([this.#options.places.topic])
      return topic?.topicId === this.#presentId
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      return false
    }
  }

  async #delete(): Promise<void> {
    try {
      await this.worker.client.admin().deleteTopic(this.#options.places.topic)
    } catch (error) {
      // An attempt before this one may have done it.
      if (!(error instanceof BrokerError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION')) throw error
    }
  }
}

/** Tries until it is done; false: it was stopped before. */
async function until(clock: Clock, isStopped: () => boolean, act: () => Promise<void>): Promise<boolean> {
  while (!isStopped()) {
    try {
      await act()
      return true
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
      await sleep(clock, AGAIN_AFTER_MS)
    }
  }
  return false
}
