import { describe, expect, it } from 'vitest'
import { crc32c } from '../../src/base/crc32c.ts'
import type { DiskFile } from '../../src/base/disk.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { type MetaProperties, openMetaProperties } from '../../src/log/meta-properties.ts'
import { openQuorumState, type QuorumState, type QuorumStateData } from '../../src/log/quorum-state.ts'
import { SLOT_FILE_BYTES } from '../../src/log/slots.ts'
import { World } from './world.ts'

const CLUSTER = '0123456789abcdef0123456789abcdef'

function open(world: World, nodeId = 1): MetaProperties {
  return world.clock.wait<MetaProperties>((done) => openMetaProperties({ disk: world.disk, nodeId, random: new SeededRandom(5) }, done))
}

function rewrite(world: World, change: (text: string) => string): void {
  const bytes = world.clock.wait<Buffer | undefined>((done) => world.disk.readFile('meta.properties', done))!
  world.disk.removeTree('meta.properties')
  const file = world.clock.wait<DiskFile | undefined>((done) => world.disk.open('meta.properties', { create: true }, done))!
  world.clock.waitVoid((done) => file.writev([Buffer.from(change(bytes.toString()))], 0, done))
}

describe('meta.properties (R2.1, R2.3)', () => {
  it('is made once, and survives a power loss', () => {
    const world = new World()
    const { directoryId, clusterId, nodeId } = open(world)
    expect(directoryId).toMatch(/^[0-9a-f]{32}$/)
    expect([clusterId, nodeId]).toEqual([null, 1])
    world.disk.powerLoss()
    world.disk = world.disk.reopen()
    expect(open(world).directoryId).toBe(directoryId)
  })

  it('takes one cluster id, durable, and refuses another with what to do', () => {
    const world = new World()
    const properties = open(world)
    world.clock.waitVoid((done) => properties.saveClusterId(CLUSTER, done))
    world.clock.waitVoid((done) => properties.saveClusterId(CLUSTER, done))
    world.disk.powerLoss()
    world.disk = world.disk.reopen()
    expect(open(world).clusterId).toBe(CLUSTER)
    expect(() => world.clock.waitVoid((done) => open(world).saveClusterId('f'.repeat(32), done))).toThrow(
      /DATA_FOLDER_MISMATCH: .*belongs to cluster 0123.* give this node a folder/,
    )
  })

  const refusals: readonly [string, (text: string) => string, RegExp][] = [
    ['another node', (text) => text.replace('node.id=1', 'node.id=2'), /belongs to node 2, this is node 1 \(start node 2 on it/],
    ['a newer format', (text) => text.replace('version=1', 'version=9'), /format 9, this program reads up to 1 \(start the newer program/],
    ['no directory id', (text) => text.replace(/directory.id=.*/, ''), /cannot be read \(restore it/],
    ['garbage', () => '\0\u0001\u0002', /cannot be read/],
  ]
  for (const [what, change, sentence] of refusals) {
    it(`refuses ${what}`, () => {
      const world = new World()
      open(world)
      rewrite(world, change)
      expect(() => open(world)).toThrow(sentence)
      expect(() => open(world)).toThrow('DATA_FOLDER_MISMATCH')
    })
  }

  it('refuses a folder that lost it', () => {
    const world = new World()
    world.start()
    open(world)
    world.open('metadata')
    world.disk.removeTree('meta.properties')
    expect(() => open(world)).toThrow(/meta.properties is missing though there is metadata/)
  })
})

function quorum(world: World): QuorumState {
  return world.clock.wait<QuorumState>((done) => openQuorumState(world.disk, done))
}

const state = (term: number, votedFor: number | null = null): QuorumStateData => ({ term, votedFor, syncedEndOffset: term * 10, syncedEpoch: term - 1 })

describe('quorum-state (R3.6)', () => {
  it('begins empty and keeps the newest saved state', () => {
    const world = new World()
    expect(quorum(world).state).toEqual({ term: 0, votedFor: null, syncedEndOffset: 0, syncedEpoch: -1 })
    for (const term of [1, 2, 3]) {
      world.disk = world.disk.reopen()
      const file = quorum(world)
      world.clock.waitVoid((done) => file.save(state(term, 7), done))
      world.disk.powerLoss()
      world.disk = world.disk.reopen()
      expect(quorum(world).state).toEqual(state(term, 7))
    }
  })

  /** Records from `from` on, as they are of that version. */
  function setVersion(world: World, version: number, from: number, endPosition: number, change: (record: Buffer) => void = () => {}): void {
    const bytes = world.clock.wait<Buffer | undefined>((done) => world.disk.readFile('quorum-state', done)) as Buffer
    for (let at = from; at < endPosition; at += 4096) {
      bytes.writeUInt32BE(version, at + 4)
      change(bytes.subarray(at, at + 48))
      bytes.writeUInt32BE(crc32c(bytes.subarray(at + 4, at + 48)), at)
    }
    world.disk = world.disk.reopen()
    const file = world.clock.wait<DiskFile | undefined>((done) => world.disk.open('quorum-state', { create: false }, done)) as DiskFile
    world.clock.waitVoid((done) => file.writev([bytes], 0, done))
  }

  it('reads what version 1 wrote, but for the epoch, which may be that of an earlier mark', () => {
    const world = new World()
    const file = quorum(world)
    world.clock.waitVoid((done) => file.save(state(3, 7), done))
    setVersion(world, 1, 0, SLOT_FILE_BYTES)
    expect(quorum(world).state).toEqual({ ...state(3, 7), syncedEpoch: -1 })
  })

  it('R2.3: is refused when its newest record is of a newer version: the one before it has an older vote', () => {
    const world = new World()
    const file = quorum(world)
    world.clock.waitVoid((done) => file.save(state(3, 7), done))
    setVersion(world, 3, SLOT_FILE_BYTES / 2, SLOT_FILE_BYTES)
    expect(() => quorum(world)).toThrow(/quorum-state has format 3, this program reads up to 2 \(start the newer program/)
  })

  it('R2.3: … whatever that version holds where this one has its term, vote and mark', () => {
    const world = new World()
    const file = quorum(world)
    world.clock.waitVoid((done) => file.save(state(3, 7), done))
    setVersion(world, 3, SLOT_FILE_BYTES / 2, SLOT_FILE_BYTES, (record) => record.fill(0x7f, 16))
    expect(() => quorum(world)).toThrow(/quorum-state has format 3, this program reads up to 2/)
  })

  it('is not taken for new when it is lost beside a metadata log', () => {
    const world = new World()
    quorum(world)
    world.start()
    world.open('metadata')
    world.disk.removeTree('quorum-state')
    expect(() => quorum(world)).toThrow(/quorum-state is missing though there is a metadata log, the node's vote is lost/)
  })

  it('never loses what was saved, never has what was not, for 300 power losses during saves', () => {
    let torn = 0
    for (let seed = 1; seed <= 300; seed++) {
      const world = new World({}, seed)
      const random = new SeededRandom(seed)
      let saved = 0
      let asked = 0
      for (let lived = 0; lived < 3; lived++) {
        const file = quorum(world)
        expect(file.state.term).toBeGreaterThanOrEqual(saved)
        expect(file.state.term).toBeLessThanOrEqual(asked)
        expect(file.state).toEqual(file.state.term === 0 ? { ...state(0), syncedEpoch: -1 } : state(file.state.term, 3))
        asked = file.state.term
        saved = asked
        for (let step = random.integer(12); step >= 0; step--) {
          if (random.integer(2) === 0) {
            asked++
            const term = asked
            file.save(state(term, 3), (error) => {
              expect(error).toBeUndefined()
              saved = Math.max(saved, term)
            })
          } else world.clock.step()
        }
        world.disk.powerLoss()
        world.disk = world.disk.reopen()
      }
      torn += world.disk.losses.tornWrites
    }
    expect(torn).toBeGreaterThan(50)
  })

  it('joins saves that wait: the newest state goes out, all are answered', () => {
    const world = new World()
    const file = quorum(world)
    const answered: number[] = []
    for (const term of [1, 2, 3, 4]) file.save(state(term), (error) => answered.push(error === undefined ? term : -term))
    world.clock.run()
    expect(answered).toEqual([1, 2, 3, 4])
    world.disk = world.disk.reopen()
    expect(quorum(world).state.term).toBe(4)
  })

  it('survives a flipped byte anywhere in the newest slot, and refuses to guess when all is gone', () => {
    const world = new World()
    const file = quorum(world)
    for (const term of [1, 2, 3]) world.clock.waitVoid((done) => file.save(state(term, 1), done))
    for (let at = 0; at < 48; at++) {
      const copy = new World()
      const target = quorum(copy)
      for (const term of [1, 2, 3]) copy.clock.waitVoid((done) => target.save(state(term, 1), done))
      copy.disk.flipByte('quorum-state', 8192 + at)
      expect(quorum(copy).state).toEqual(state(3, 1))
    }
    for (const at of [0, 4096, 8192, 12288]) world.disk.flipByte('quorum-state', at + 20)
    expect(() => quorum(world)).toThrow(/DATA_FOLDER_MISMATCH: quorum-state is damaged.*move the data folder away/)
  })

  it('falls back to the slot before when a torn write spoiled the newest one whole', () => {
    const world = new World()
    const file = quorum(world)
    for (const term of [1, 2, 3]) world.clock.waitVoid((done) => file.save(state(term, 1), done))
    for (const at of [8192, 12288]) expect(world.disk.flipByte('quorum-state', at + 20)).toBe(true)
    expect(quorum(world).state).toEqual(state(2, 1))
  })

  it('never changes a vote within a term, nor goes back in terms', () => {
    const world = new World()
    const file = quorum(world)
    file.save(state(3, 1), () => undefined)
    expect(() => file.save(state(3, 2), () => undefined)).toThrow('never changed')
    expect(() => file.save(state(2, 1), () => undefined)).toThrow('never goes back')
  })

  it('fails for good after a failed sync (R3.5)', () => {
    const world = new World()
    const file = quorum(world)
    world.disk.failNext('sync', 'quorum-state')
    expect(() => world.clock.waitVoid((done) => file.save(state(1), done))).toThrow('DISK_FAILED')
    expect(() => world.clock.waitVoid((done) => file.save(state(2), done))).toThrow('DISK_FAILED')
  })
})
