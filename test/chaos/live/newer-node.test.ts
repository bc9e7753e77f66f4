import { describe, expect, it } from 'vitest'
import { differencesOf, hashesOf } from '../../../chaos/live/newer-node.ts'

describe('the same seeds under two versions of Node', () => {
  const here = hashesOf([
    'seed 1 b31218e41e52c818 held, 6666 records acknowledged (24.7 s)',
    'seed 2 0f I1: at 5 … (1.0 s)',
    'seeds        2',
    'failures     1',
  ])

  it('are known by their lines, whatever came of them', () => {
    expect([...here]).toEqual([
      ['1', 'b31218e41e52c818'],
      ['2', '0f'],
    ])
  })

  it('differ when a hash does, or a seed is there once; nothing at all is no agreement', () => {
    expect(differencesOf(here, new Map(here))).toEqual([])
    expect(differencesOf(here, new Map([['1', 'aa']]))).toEqual([
      'seed 1 has the trace hash b31218e41e52c818 here and aa under the newer Node',
      'seed 2 has the trace hash 0f here and nothing under the newer Node',
    ])
    expect(differencesOf(new Map(), new Map())).toEqual(['no seed was run'])
  })
})
