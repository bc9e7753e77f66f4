import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../src/base/random.ts'
import { compileTemplate, filling, type TemplateWorld } from '../../src/cli/template.ts'

const NOW = Date.parse('2026-02-03T04:05:06.789Z')

function world(seed = 1): TemplateWorld {
  return { random: new SeededRandom(seed), nowMs: () => NOW }
}

/** The first `count` of one seed. */
function fill(text: string, count: number, seed = 1): string[] {
  const template = compileTemplate(text)
  const from = world(seed)
  return Array.from({ length: count }, (_, at) => template(at + 1, from))
}

describe('a template', () => {
  it('keeps its text and counts from 1', () => {
    expect(fill('', 2)).toEqual(['', ''])
    expect(fill('n {{i}}, {{ i }}!', 2)).toEqual(['n 1, 1!', 'n 2, 2!'])
    expect(fill('{"a":{"b":"}}"}}', 1)).toEqual(['{"a":{"b":"}}"}}'])
    expect(fill('{{now}} {{ms}}', 1)).toEqual([`2026-02-03T04:05:06.789Z ${NOW}`])
  })

  it('draws within the bounds, both of which come', () => {
    expect(new Set(fill('{{int -1 1}}', 100))).toEqual(new Set(['-1', '0', '1']))
    expect(new Set(fill('{{pick a "b c" "}}"}}', 100))).toEqual(new Set(['a', 'b c', '}}']))
    for (const text of fill('{{float 1.5 2}}', 50)) {
      expect(text).toMatch(/^\d\.\d\d$/)
      expect(Number(text)).toBeGreaterThanOrEqual(1.5)
      expect(Number(text)).toBeLessThanOrEqual(2)
    }
    const wide = fill('{{int 0 9007199254740990}}', 200).map(Number)
    expect(wide.every((one) => Number.isSafeInteger(one) && one >= 0)).toBe(true)
    expect(Math.max(...wide)).toBeGreaterThan(2 ** 52)
  })

  it('makes ids and words', () => {
    for (const text of fill('{{uuid}}', 20)) expect(text).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(new Set(fill('{{uuid}}', 100)).size).toBe(100)
    expect(fill('{{word}}', 1)[0]).toMatch(/^[a-z]+$/)
  })

  it('makes the same again from the same seed, and something else from another', () => {
    const text = '{{uuid}} {{int 1 1000}} {{word}}'
    expect(fill(text, 20, 7)).toEqual(fill(text, 20, 7))
    expect(fill(text, 20, 7)).not.toEqual(fill(text, 20, 8))
  })

  it('fills up to a length', () => {
    expect(filling(world().random, 10)).toMatch(/^[a-z0-9]{10}$/)
    expect(filling(world().random, 0)).toBe('')
    expect(filling(world().random, -1)).toBe('')
  })

  it.each([
    ['{{uid}}', '{{uid}} is unknown, did you mean {{uuid}}?'],
    ['{{nonsense}}', '{{nonsense}} is unknown'],
    ['{{constructor}}', '{{constructor}} is unknown'],
    ['{{int 1}}', '{{int 1}} takes two numbers, the smaller first'],
    ['{{int 5 1}}', '{{int 5 1}} takes two numbers, the smaller first'],
    ['{{int 1 2.5}}', '{{int 1 2.5}} takes two whole numbers'],
    ['{{int 1 x}}', '{{int 1 x}} takes two numbers, the smaller first'],
    ['{{pick}}', '{{pick}} takes what to pick from'],
    ['{{i 3}}', '{{i 3}} takes nothing'],
    ['a {{i', '{{i has no closing braces'],
  ])('%s is refused', (text, message) => expect(() => compileTemplate(text)).toThrow(expect.objectContaining({ name: 'UsageError', message })))
})
