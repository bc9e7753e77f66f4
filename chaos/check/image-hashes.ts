import type { MetadataImage } from '../../src/metadata/image.ts'
import { ShardedMap } from '../../src/metadata/sharded-map.ts'
import { demand } from './violation.ts'

/** For a text that does not depend on the order in which Maps were filled. Objects become lists of pairs: no object is left. */
function canonical(value: unknown): unknown {
  if (value instanceof Map || value instanceof ShardedMap)
    return [...value].map(([key, held]) => [key, canonical(held)] as const).sort((left, right) => compareKeys(left[0], right[0]))
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  return Object.keys(value)
    .sort(compareKeys)
    .map((key) => [key, canonical((value as Record<string, unknown>)[key])])
}

function compareKeys(left: unknown, right: unknown): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right
  return String(left) < String(right) ? -1 : 1
}

const ANEW_EVERY = 16

/** The place of a part in a text: no other object is in one. */
interface PartRef {
  readonly part: number
}

/**
 * Images as short texts that are equal when the images are: for what most of an image consists of, and most of the next one shares with it, they have a number,
 * the same for equal texts. It is kept by identity, since nobody changes an image; should somebody do so, it is seen with the next whose offset 16 divides.
 */
class ImageTexts {
  readonly #texts: string[] = []
  readonly #ids = new Map<string, number>()
  #known = new WeakMap<object, number>()

  textOf(image: MetadataImage): string {
    if (image.offset % ANEW_EVERY === 0) this.#known = new WeakMap()
    const brokers = [...image.brokers].sort(([left], [right]) => left - right).map(([nodeId, broker]) => [nodeId, this.#ref(broker)])
    const topics = [...image.topics]
      .sort(([left], [right]) => compareKeys(left, right))
      .map(([topicId, topic]) => {
        const partitions = topic.partitions.map((state) => this.#ref(state))
        return [topicId, canonical({ ...topic, partitions: null }), partitions]
      })
    const rest = { ...image, brokers: null, topics: null, deletedTopicIds: null }
    return JSON.stringify([canonical(rest), brokers, topics, this.#ref(image.deletedTopicIds)])
  }

  /** With the texts of the parts in their places. */
  inFull(text: string): string {
    return JSON.stringify(JSON.parse(text, (_, value: unknown) => (isRef(value) ? JSON.parse(this.#texts[value.part] as string) : value)))
  }

  #ref(part: object): PartRef {
    let id = this.#known.get(part)
    if (id === undefined) {
      id = this.#idOf(JSON.stringify(canonical(part)))
      this.#known.set(part, id)
    }
    return { part: id }
  }

  #idOf(text: string): number {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const id = this.#texts.push(text) - 1
    this.#ids.set(text, id)
    return id
  }
}

function isRef(value: unknown): value is PartRef {
  return typeof value === 'object' && value !== null && 'part' in value
}

/** I8: equal images at equal offsets, on every node and after every restart (rules R5.1). */
export class ImageHashes {
  readonly #texts = new ImageTexts()
  readonly #byOffset = new Map<number, { readonly text: string; readonly where: string }>()

  observe(where: string, image: MetadataImage): void {
    const text = this.#texts.textOf(image)
    const known = this.#byOffset.get(image.offset)
    if (known === undefined) this.#byOffset.set(image.offset, { text, where })
    else {
      const inFull = (): string => `${this.#texts.inFull(text)}\n${this.#texts.inFull(known.text)}`
      demand(known.text === text, 'I8', () => `the image at offset ${image.offset} is different on ${where} and ${known.where}:\n${inFull()}`)
    }
  }
}
