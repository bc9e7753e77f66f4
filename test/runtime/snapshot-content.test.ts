import { describe, expect, it } from 'vitest'
import { SimDisk } from '../../chaos/sim/disk.ts'
import type { DiskFile } from '../../src/base/disk.ts'
import { SeededRandom } from '../../src/base/random.ts'
import { runTask, type Task } from '../../src/base/task.ts'
import { parseSnapshotFileName, SnapshotFiles, snapshotFileName, type SnapshotReader, type SnapshotWriter } from '../../src/log/snapshot-files.ts'
import { hashImage } from '../../src/metadata/hash.ts'
import type { MetadataImage } from '../../src/metadata/image.ts'
import { readSnapshot, type SnapshotContent, writeSnapshot } from '../../src/runtime/snapshot-content.ts'
import { TestClock } from '../log/world.ts'
import { drawImage } from '../metadata/random-images.ts'

const FOLDER = 'metadata'
const corrupt = expect.objectContaining({ code: 'CORRUPT_MESSAGE' })

class Desk {
  readonly clock = new TestClock()
  readonly disk = new SimDisk({ clock: this.clock, random: new SeededRandom(1), minLatencyMs: 0, maxLatencyMs: 0 })
  readonly files = new SnapshotFiles(this.disk, FOLDER)

  constructor() {
    this.clock.waitVoid((done) => this.disk.mkdir(FOLDER, done))
  }

  run<T>(task: Task<T>): T {
    return this.clock.wait<T>((done) => runTask(task, done))
  }

  write(image: MetadataImage, lastTerm = 3): void {
    const { clock } = this
    const writer = this.run<SnapshotWriter>(this.files.begin('own'))
    this.run(writeSnapshot(writer, { image, lastTerm, writtenMs: 5, clock, isStopped: () => false }))
    this.run(writer.finish({ endOffset: image.offset, lastTerm }))
  }

  read(endOffset: number, lastTerm = 3): SnapshotContent {
    const reader = this.run<SnapshotReader | undefined>(this.files.open({ endOffset, lastTerm }))
    return this.run(readSnapshot(reader as SnapshotReader, { endOffset, lastTerm }, this.clock))
  }

  bytes(endOffset: number): Buffer {
    return this.clock.wait<Buffer | undefined>((done) => this.disk.readFile(this.path(endOffset), done)) as Buffer
  }

  path(endOffset: number): string {
    return `${FOLDER}/${snapshotFileName({ endOffset, lastTerm: 3 })}`
  }

  overwrite(endOffset: number, bytes: Buffer): void {
    const file = this.clock.wait<DiskFile | undefined>((done) => this.disk.open(this.path(endOffset), { create: true }, done)) as DiskFile
    this.clock.waitVoid((done) => file.truncate(0, done))
    this.clock.waitVoid((done) => file.writev([bytes], 0, done))
    this.clock.waitVoid((done) => file.close(done))
  }
}

describe('R4.5 a snapshot file', () => {
  it('has a name that says what it holds', () => {
    const name = { endOffset: 1234, lastTerm: 56 }
    expect(snapshotFileName(name)).toBe('00000000000000001234-0000000056.checkpoint')
    expect(parseSnapshotFileName(snapshotFileName(name))).toEqual(name)
    for (const other of ['own.checkpoint.tmp', '00000000000000000000.log', '1234-56.checkpoint', '00000000000000001234-0000000056.checkpoint.tmp'])
      expect(parseSnapshotFileName(other)).toBeUndefined()
  })

  it('gives back the image and when it was written; newest first', () => {
    const desk = new Desk()
    const images = [20, 80, 40].map((count) => drawImage(new SeededRandom(count), count))
    for (const image of images) desk.write(image)
    for (const image of images) {
      const found = desk.read(image.offset)
      expect([hashImage(found.image), found.writtenMs]).toEqual([hashImage(image), 5])
    }
    expect(desk.run(desk.files.list()).map(({ endOffset }) => endOffset)).toEqual(images.map(({ offset }) => offset).toSorted((left, right) => right - left))
  })

  it('is refused when any byte of it is another one, or any number of them is missing', () => {
    const desk = new Desk()
    const image = drawImage(new SeededRandom(4), 12)
    desk.write(image)
    const { offset } = image
    const whole = desk.bytes(offset)
    for (let at = 0; at < whole.length; at++) {
      const flipped = Buffer.from(whole)
      flipped[at] = (flipped[at] as number) ^ 0x41
      desk.overwrite(offset, flipped)
      // Offset, epoch and length stand before what the checksum covers: they are checked by themselves.
      expect(() => desk.read(offset), `byte ${at}`).toThrow(corrupt)
    }
    for (let length = 0; length < whole.length; length += 7) {
      desk.overwrite(offset, whole.subarray(0, length))
      expect(() => desk.read(offset), `${length} bytes`).toThrow(corrupt)
    }
    desk.overwrite(offset, Buffer.concat([whole, whole]))
    expect(() => desk.read(offset)).toThrow(corrupt)
    desk.overwrite(offset, whole)
    expect(hashImage(desk.read(offset).image)).toBe(hashImage(image))
  })

  it('is refused under the name of another one', () => {
    const desk = new Desk()
    const image = drawImage(new SeededRandom(4), 12)
    desk.write(image)
    desk.overwrite(image.offset + 1, desk.bytes(image.offset))
    expect(() => desk.read(image.offset + 1)).toThrow(corrupt)
  })

  it('leaves other work its turns while a large one is written', () => {
    const desk = new Desk()
    const image = drawImage(new SeededRandom(9), 2_000)
    const writer = desk.run<SnapshotWriter>(desk.files.begin('own'))
    let turns = 0
    let isDone = false
    const count = (): void => {
      turns++
      if (!isDone) desk.clock.defer(count)
    }
    desk.clock.defer(count)
    desk.clock.wait<undefined>((done) =>
      runTask(writeSnapshot(writer, { image, lastTerm: 1, writtenMs: 0, clock: desk.clock, isStopped: () => false }), (error) => {
        isDone = true
        done(error, undefined)
      }),
    )
    expect(turns).toBeGreaterThan(5)
  })
})
