import { expect, it } from 'vitest'
import { HashList, hashState, StateQueue, Ways } from '../../../chaos/explore/visited.ts'

function hashOf(...state: number[]) {
  const hash = { low: 0, high: 0 }
  hashState(state, hash)
  return hash
}

it('numbers hashes in the order they are met, through growth', () => {
  const list = new HashList()
  const count = 300_000
  let misnumbered = 0
  for (let at = 0; at < count; at++) if (list.add(hashOf(at, at % 7)) !== at) misnumbered++
  expect(misnumbered).toBe(0)
  expect(list.size).toBe(count)
  expect(list.add(hashOf(5, 5))).toBe(-1)
  expect([list.has(hashOf(count - 1, (count - 1) % 7)), list.has(hashOf(count, 0))]).toEqual([true, false])
})

it('tells states apart that differ in length or order alone', () => {
  const hashes = [hashOf(), hashOf(0), hashOf(0, 0), hashOf(1, 2), hashOf(2, 1), hashOf(-1)].map(({ low, high }) => `${low} ${high}`)
  expect(new Set(hashes).size).toBe(6)
})

it('gives states back first in, first out, across chunks', () => {
  const queue = new StateQueue()
  const stateOf = (at: number) => Array.from({ length: at % 13 }, (_, place) => at - place)
  const given: (number[] | undefined)[] = []
  for (let at = 0; at < 100_000; at++) {
    queue.push(stateOf(at))
    if (at % 3 === 0) given.push(queue.shift())
  }
  while (queue.size > 0) given.push(queue.shift())
  expect(given).toEqual(Array.from({ length: 100_000 }, (_, at) => stateOf(at)))
  expect([queue.size, queue.shift()]).toEqual([0, undefined])
})

it('remembers the way to each state', () => {
  const ways = new Ways()
  ways.note(1, 0, 11)
  ways.note(2, 1, 12)
  ways.note(100_000, 2, 13)
  expect(ways.actionsTo(100_000)).toEqual([11, 12, 13])
})
