import { describe, expect, it } from 'vitest'
import type { ControllerReply } from '../../src/controller/commands.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts'
import { differenceBetween } from '../../src/metadata/image-difference.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import { ImageLoader, snapshotRecords } from '../../src/metadata/snapshot-records.ts'
import { ControllerHost } from '../../src/runtime/controller-host.ts'
import { silentLogger } from '../contract/silent-logger.ts'
import { TestClock } from '../log/world.ts'
import { story } from '../metadata/fixtures.ts'
import { noQuorum } from '../controller/no-quorum.ts'

/** A controller over a log that commits when the test says so. */
class Desk {
  readonly clock = new TestClock()
  readonly log: { readonly offset: number; readonly records: readonly MetadataRecord[] }[] = [...story]
  readonly replies: ControllerReply[] = []
  readonly host: ControllerHost
  refuses = false
  #image: MetadataImage = emptyImage

  constructor() {
    this.host = new ControllerHost({
      clock: this.clock,
      logger: silentLogger,
      nodeId: 1,
      defaults: { minInSyncReplicas: null },
      quorum: noQuorum,
      propose: (records) => {
        if (this.refuses) return { type: 'refused', code: 'THROTTLING_QUOTA_EXCEEDED' }
        this.log.push({ offset: this.log.length, records })
        return { type: 'accepted', offset: this.log.length - 1 }
      },
      image: emptyImage,
      leaderBalanceMs: 0,
    })
  }

  commit(term: number): void {
    const entries = this.log.slice(this.#image.offset)
    const { image, delta } = applyEntries(this.#image, entries)
    this.#image = image
    this.host.applied(image, delta, term)
    this.clock.run()
  }

  /** What a snapshot tells of the log so far, and no entry. */
  install(term: number): void {
    const loader = new ImageLoader()
    for (const records of snapshotRecords(applyEntries(this.#image, this.log.slice(this.#image.offset)).image)) loader.add(records)
    const image = loader.finish(this.log.length)
    this.host.applied(image, differenceBetween(this.#image, image), term)
    this.#image = image
  }

  lead(term: number): void {
    this.host.elected(term)
    this.log.push({ offset: this.log.length, records: [{ type: 'leaderChange', leaderId: 1 }] })
    this.commit(term)
  }

  allocate(): void {
    this.host.submit({ type: 'allocateProducerIds', count: 10 }, (reply) => this.replies.push(reply))
    this.clock.run()
  }
}

describe('controller host', () => {
  it('is active from the first entry of its own term on, and refuses before', () => {
    const desk = new Desk()
    desk.host.elected(3)
    desk.commit(2)
    desk.allocate()
    expect([desk.host.isActive, desk.replies]).toEqual([false, [expect.objectContaining({ code: 'NOT_CONTROLLER', definite: true })]])
    desk.lead(3)
    expect(desk.host.isActive).toBe(true)
  })

  it('a reply waits until its decision is committed and applied', () => {
    const desk = new Desk()
    desk.lead(3)
    desk.allocate()
    desk.allocate()
    expect(desk.replies).toEqual([])
    desk.commit(3)
    expect(desk.replies).toEqual([
      { type: 'producerIds', firstProducerId: 0, count: 10 },
      { type: 'producerIds', firstProducerId: 10, count: 10 },
    ])
  })

  it('an error waits for what it was decided on; with nothing uncommitted it comes in a turn of its own', () => {
    const desk = new Desk()
    desk.lead(3)
    const remove = (): void => desk.host.submit({ type: 'deleteTopic', topicId: 'f'.repeat(32) }, (reply) => desk.replies.push(reply))
    remove()
    expect(desk.replies).toEqual([])
    desk.clock.run()
    expect(desk.replies).toEqual([expect.objectContaining({ code: 'UNKNOWN_TOPIC_ID' })])
    desk.allocate()
    remove()
    desk.clock.run()
    expect(desk.replies).toHaveLength(1)
    desk.commit(3)
    expect(desk.replies).toHaveLength(3)
  })

  it('R1.3: what waits when the controller is deposed is indefinite, and is answered once', () => {
    const desk = new Desk()
    desk.lead(3)
    desk.allocate()
    desk.host.deposed()
    expect(desk.replies).toEqual([expect.objectContaining({ code: 'NOT_CONTROLLER', definite: false })])
    desk.commit(4)
    expect([desk.replies.length, desk.host.isActive]).toEqual([1, false])
  })

  it('what the log does not take is definite, and decides nothing', () => {
    const desk = new Desk()
    desk.lead(3)
    desk.refuses = true
    desk.allocate()
    expect(desk.replies).toEqual([expect.objectContaining({ code: 'THROTTLING_QUOTA_EXCEEDED', definite: true })])
    desk.refuses = false
    desk.allocate()
    desk.commit(3)
    expect(desk.replies[1]).toEqual({ type: 'producerIds', firstProducerId: 0, count: 10 })
  })

  it('R2.1: a topic that another controller made and deleted is not made again, however that was learned', () => {
    const desk = new Desk()
    const topicId = 'e'.repeat(32)
    const create = {
      type: 'createTopic',
      name: 'letters',
      topicId,
      partitions: 1,
      replicationFactor: 1,
      assignment: null,
      configs: new Map(),
      validateOnly: false,
    } as const
    desk.log.push({ offset: desk.log.length, records: [{ type: 'topic', topicId, name: 'letters' }] })
    desk.log.push({ offset: desk.log.length, records: [{ type: 'topicDeleted', topicId }] })
    desk.install(2)
    desk.lead(3)
    desk.host.submit(create, (reply) => desk.replies.push(reply))
    desk.clock.run()
    expect(desk.replies).toMatchObject([
      { type: 'error', code: 'INVALID_REQUEST', message: expect.stringContaining('a topic that was deleted'), definite: false },
    ])
  })
})
