import { describe, expect, it } from 'vitest'
import { OneVoterChange } from '../../../chaos/check/one-voter-change.ts'
import { emptyImage, type MetadataImage } from '../../../src/metadata/image.ts'

/** `1=a 2=?`: node 1 with folder a, node 2 known by its id. */
function image(offset: number, text: string): MetadataImage {
  const voters =
    text === '' ? [] : text.split(' ').map((voter) => ({ nodeId: Number(voter[0]), directoryId: voter[2] === '?' ? null : String(voter[2]), endpoint: null }))
  return { ...emptyImage, offset, voters }
}

function seen(...images: readonly (readonly [offset: number, voters: string])[]): void {
  const check = new OneVoterChange()
  for (const [offset, voters] of images) check.observe('node 1', image(offset, voters))
}

describe('one voter changes at a time', () => {
  it.each([
    [
      'the first entry names all',
      [
        [0, ''],
        [1, '1=a 2=?'],
      ],
    ],
    [
      'one comes',
      [
        [4, '1=a 2=b'],
        [5, '1=a 2=b 3=c'],
      ],
    ],
    [
      'one goes',
      [
        [4, '1=a 2=b'],
        [5, '1=a'],
      ],
    ],
    [
      'a folder becomes known',
      [
        [4, '1=a 2=?'],
        [5, '1=a 2=b'],
      ],
    ],
    [
      'entries that nobody stopped between',
      [
        [4, '1=a 2=b'],
        [6, '1=a 3=c'],
      ],
    ],
  ] as const)('holds: %s', (_, images) => expect(() => seen(...images)).not.toThrow())

  it.each([
    [
      'two come',
      [
        [4, '1=a'],
        [5, '1=a 2=b 3=c'],
      ],
    ],
    [
      'one comes and one goes',
      [
        [4, '1=a 2=b'],
        [5, '1=a 3=c'],
      ],
    ],
    [
      'one has another folder',
      [
        [4, '1=a 2=b'],
        [5, '1=a 2=x'],
      ],
    ],
    [
      'two folders become known',
      [
        [4, '1=? 2=?'],
        [5, '1=a 2=b'],
      ],
    ],
    [
      'whoever is seen first',
      [
        [5, '1=a'],
        [4, '1=a 2=b 3=c'],
      ],
    ],
  ] as const)('is broken: %s', (_, images) => expect(() => seen(...images)).toThrow(/^voters: the voters went from/))
})
