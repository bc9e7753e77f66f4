import { describe, expect, it } from 'vitest'
import { ImageHashes } from '../../../chaos/check/image-hashes.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import { applyEntries } from '../../../src/metadata/apply.ts'
import type { MetadataImage } from '../../../src/metadata/image.ts'
import { ShardedMap } from '../../../src/metadata/sharded-map.ts'
import { drawEntry, drawImage } from '../../metadata/random-images.ts'

type Change = (value: unknown) => unknown

/** An image of its own, that shares nothing; its maps are filled from the end. `change`: of each scalar in it, one after the other. */
function copyOf(image: MetadataImage, change: Change = (value) => value): MetadataImage {
  const copy = (value: unknown): unknown => {
    if (value instanceof Map || value instanceof ShardedMap) return new Map([...value].reverse().map(([key, held]) => [key, copy(held)]))
    if (Array.isArray(value)) return value.map(copy)
    if (typeof value !== 'object' || value === null) return change(value)
    return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, copy(held)]))
  }
  // The offset says which images are compared.
  const { offset, ...rest } = image
  return { offset, ...(copy(rest) as Omit<MetadataImage, 'offset'>) }
}

function other(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  return typeof value === 'boolean' ? !value : `${String(value)}!`
}

function compare(left: MetadataImage, right: MetadataImage): void {
  const hashes = new ImageHashes()
  hashes.observe('node 1', left)
  hashes.observe('node 2', right)
}

describe('I8: equal images at equal offsets', () => {
  it('however they were made, in whatever order their maps were filled', () => {
    const hashes = new ImageHashes()
    const random = new SeededRandom(1)
    let image = drawImage(random, 0)
    for (let made = 0; made < 60; made++) {
      image = applyEntries(image, [drawEntry(random, image)]).image
      hashes.observe('node 1', image)
      hashes.observe('node 2', copyOf(image))
    }
    expect(image.topics.size).toBeGreaterThan(2)
  })

  it('any one value that is another one is told', () => {
    const image = drawImage(new SeededRandom(1), 12)
    let scalars = 0
    copyOf(image, () => scalars++)
    expect(scalars).toBeGreaterThan(100)
    for (let at = 0; at < scalars; at++) {
      let seen = 0
      const changed = copyOf(image, (value) => (seen++ === at ? other(value) : value))
      expect(() => compare(image, changed), `scalar ${at}`).toThrow(/^I8: the image at offset \d+ is different on node 2 and node 1/)
    }
  })

  it('so is one that is missing, and both are shown whole', () => {
    const image = drawImage(new SeededRandom(1), 40)
    const [first] = image.topics.keys()
    const without = (map: ReadonlyMap<string, unknown>): ReadonlyMap<string, unknown> => new Map([...map].slice(1))
    const { brokers, topics, topicIds } = image
    const fewer = [{ brokers: new Map([...brokers].slice(1)) }, { topics: without(topics) }, { topicIds: without(topicIds) }] as Partial<MetadataImage>[]
    for (const change of fewer) expect(() => compare(image, { ...image, ...change })).toThrow('I8')
    expect(() => compare(image, { ...image, ...fewer[1] })).toThrow(new RegExp(`"${first}".*"leaderEpoch".*\\n`))
  })

  it('what is changed in place is told with the next 16th image', () => {
    const hashes = new ImageHashes()
    const image = copyOf(drawImage(new SeededRandom(1), 40))
    const at = (offset: number): MetadataImage => ({ ...image, offset })
    const next = copyOf(at(32))
    hashes.observe('node 1', at(31))
    const [state] = [...image.topics.values()].flatMap(({ partitions }) => partitions)
    Object.assign(state?.isr[0] ?? {}, { brokerEpoch: 99 })
    hashes.observe('node 1', at(32))
    expect(() => hashes.observe('node 2', next)).toThrow('I8')
  })
})
