import { describe, expect, it } from 'vitest'
import { compareReadBack, type PlacedLine } from '../../../chaos/live/read-back.ts'

const sent = ['1 a', '2 b', '3 c', '4 d']
const at = (partition: number, offset: number, value: string): PlacedLine => ({ partition, offset, value })
const whole = [at(0, 0, '1 a'), at(0, 1, '2 b'), at(1, 0, '3 c'), at(1, 1, '4 d')]

function violations(options: {
  readonly acknowledged?: readonly PlacedLine[]
  readonly refused?: readonly number[]
  readonly read: readonly PlacedLine[]
}): readonly string[] {
  return compareReadBack({ sent, acknowledged: options.acknowledged ?? [], refused: new Set(options.refused ?? []), read: options.read }).violations
}

describe('what was promised against what is there', () => {
  it('finds nothing where nothing is wrong', () => {
    expect(compareReadBack({ sent, acknowledged: whole, refused: new Set(), read: whole })).toEqual({ violations: [], unknown: [] })
  })

  it.each([
    ['a lost line', { acknowledged: whole, read: whole.slice(0, 3) }, ['lost: line 4 was acknowledged at 1/1']],
    ['a moved line', { acknowledged: [at(0, 7, '1 a')], read: whole }, ['lost: line 1 was acknowledged at 0/7']],
    ['a changed place', { acknowledged: [at(0, 0, '2 b')], read: whole }, ['changed: 0/0 was acknowledged as line 2 and holds "1 a"']],
    ['a line twice', { read: [...whole, at(1, 2, '4 d')] }, ['twice: line 4 is at 1/1 and at 1/2']],
    ['an offset read twice', { read: [...whole, at(1, 1, '4 d')] }, ['read twice: offset 1/1', 'twice: line 4 is at 1/1 and at 1/1']],
    ['a broken order', { read: [at(0, 0, '2 b'), at(0, 1, '1 a')] }, ['out of order: line 1 at 0/1 comes after line 2']],
    ['a strange line', { read: [at(0, 0, '1 z')] }, ['not sent: offset 0/0 holds "1 z"']],
    ['a lie', { refused: [1], read: whole }, ['refused but stored: line 1 is at 0/0']],
    ['two promises', { acknowledged: [at(0, 0, '1 a'), at(0, 0, '1 a')], read: whole }, ['acknowledged twice: line 1']],
  ])('finds %s', (_, options, expected) => {
    expect(violations(options)).toEqual(expected)
  })

  it('names what nobody knows, and whether it is there', () => {
    const { unknown } = compareReadBack({ sent, acknowledged: whole.slice(0, 2), refused: new Set([3]), read: [...whole.slice(0, 2), at(1, 0, '4 d')] })
    expect(unknown).toEqual([{ number: 4, stored: true }])
    expect(compareReadBack({ sent, acknowledged: [], refused: new Set(), read: [] }).unknown).toHaveLength(4)
  })

  it('counts what it does not print', () => {
    const many = Array.from({ length: 9 }, (_, index) => at(0, index, '1 z'))
    expect(violations({ read: many }).filter((one) => one.startsWith('not sent'))).toHaveLength(6)
  })
})
