import { expect, it } from 'vitest'
import { helpOf, parseExploreArguments } from '../../../chaos/explore/arguments.ts'
import { partitionBounds } from '../../../chaos/explore/partition/bounds.ts'

const parse = (...args: string[]) => parseExploreArguments(args, partitionBounds)

it('begins with the smallest bounds', () => {
  expect(parse()).toEqual({ nodes: 3, bounds: partitionBounds.smallest, maxStates: 10_000_000, heal: true, ordered: false, reduced: true })
})

it('takes each bound by its flag, with = or without', () => {
  const { nodes, bounds, maxStates, heal, ordered, reduced } = parse(
    '--nodes=5',
    '--isr-changes',
    '2',
    '--crashes=1',
    '--states',
    '1000',
    '--safety-only',
    '--ordered',
    '--unreduced',
  )
  expect(bounds).toEqual({ ...partitionBounds.smallest, isrChanges: 2, crashes: 1 })
  expect({ nodes, maxStates, heal, ordered, reduced }).toEqual({ nodes: 5, maxStates: 1000, heal: false, ordered: true, reduced: false })
})

it.each([
  [['--seed', '1'], '"--seed" is not an option of this exploration'],
  [['--records'], '--records needs a value'],
  [['--records', '1e3'], '--records is "1e3", a whole number from 0 to 9 is expected'],
  [['--nodes', '1'], '--nodes is "1", a whole number from 2 to 5 is expected'],
  [['--damage', '2'], '--damage is 2, no more than 1 of 3 replicas may lose what they had synced'],
])('refuses %j', (args, sentence) => {
  expect(() => parse(...args)).toThrow(sentence)
})

it('says a line about each bound', () => {
  const lines = helpOf(partitionBounds).trimEnd().split('\n')
  expect(lines).toHaveLength(partitionBounds.names.length)
  expect(lines[0]).toBe('  --records N         records that the client sends, each to whoever leads or believes to (default 1)')
})
