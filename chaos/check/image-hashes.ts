import type { MetadataImage } from '../../src/metadata/image.ts'
import { ShardedMap } from '../../src/metadata/sharded-map.ts'
import { demand } from './violation.ts'

/** The image as text that does not depend on the order in which Maps were filled. */
export function describeImage(image: MetadataImage): string {
  return JSON.stringify(canonical({ ...image }))
}

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

/** I8: equal images at equal offsets, on every node and after every restart (rules R5.1). */
export class ImageHashes {
  readonly #byOffset = new Map<number, { readonly text: string; readonly where: string }>()

  observe(where: string, image: MetadataImage): void {
    const text = describeImage(image)
    const known = this.#byOffset.get(image.offset)
    if (known === undefined) this.#byOffset.set(image.offset, { text, where })
    else demand(known.text === text, 'I8', () => `the image at offset ${image.offset} is different on ${where} and ${known.where}:\n${text}\n${known.text}`)
  }
}
