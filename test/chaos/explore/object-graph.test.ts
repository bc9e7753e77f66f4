import { expect, it } from 'vitest'
import { copyGraph, freeze, Numbered, textOf } from '../../../chaos/explore/object-graph.ts'
import { isOpened, openPrivateNames } from '../../../chaos/explore/open-cores.ts'

class Inner {
  readonly counts = new Map([['a', 1]])
}

class Machine {
  readonly inner = new Inner()
  readonly again = this.inner
  readonly shared = freeze({ name: 'x' })
  readonly seen = new Set([1])
}

it('copies a machine with all that it holds, and shares what is frozen', () => {
  const machine = new Machine()
  const copy = copyGraph(machine)
  copy.inner.counts.set('a', 2)
  copy.seen.add(2)
  expect(copy).toBeInstanceOf(Machine)
  expect([machine.inner.counts.get('a'), machine.seen.size]).toEqual([1, 1])
  expect(copy.again).toBe(copy.inner)
  expect(copy.shared).toBe(machine.shared)
  expect(() => copyGraph({ later: () => 1 })).toThrow('later is a function')
})

it('gives equal graphs equal texts, and different ones different texts', () => {
  expect(textOf(copyGraph(new Machine()))).toBe(textOf(new Machine()))
  const position = { at: 1 }
  expect(textOf([position, position])).toBe(textOf([freeze({ at: 1 }), { at: 1 }]))
  const other = new Machine()
  other.inner.counts.set('b', 0)
  expect(textOf(other)).not.toBe(textOf(new Machine()))
  expect(new Set([textOf(['a', 'b']), textOf(['a,b']), textOf([['a'], 'b']), textOf([undefined, null]), textOf([Buffer.from('a')])]).size).toBe(5)
})

it('numbers things by their text', () => {
  const numbered = new Numbered<string>()
  expect([numbered.number('a', () => 'A'), numbered.number('b', () => 'B'), numbered.number('a', () => 'never made')]).toEqual([0, 1, 0])
  expect(numbered.get(1)).toBe('B')
})

it('opens the cores and nothing else', () => {
  expect(openPrivateNames('this.#log.cut(#of)')).toBe('this._log.cut(_of)')
  expect(isOpened('file:///oxbow/dist/src/replication/leader.js')).toBe(true)
  expect(isOpened('/oxbow/src/raft/raft.ts')).toBe(true)
  expect(isOpened('/oxbow/src/log/segment.ts')).toBe(false)
})
