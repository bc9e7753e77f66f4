import { describe, expect, it } from 'vitest'
import { CatchUp } from '../../src/broker/catch-up.ts'

describe('R4.6: a node has caught up', () => {
  it('once it has applied what its first controller knew to be committed, by an entry of that term', () => {
    const node = new CatchUp()
    node.applied(20, 4)
    expect(node.isDone).toBe(false)
    expect(node.controllerHeard({ term: 5, commitIndex: 12 }, 4)).toBe(false)
    node.applied(25, 4)
    expect(node.isDone).toBe(false)
    node.applied(26, 5)
    expect(node.isDone).toBe(true)
  })

  it('at once, where a snapshot holds all of that; and for good, whatever a later controller says', () => {
    const node = new CatchUp()
    node.applied(20, 5)
    expect(node.controllerHeard({ term: 5, commitIndex: 20 }, 5)).toBe(true)
    expect(node.controllerHeard({ term: 6, commitIndex: 40 }, 5)).toBe(false)
    expect(node.isDone).toBe(true)
  })

  it('not by the term alone: it lacks what was committed in it', () => {
    const node = new CatchUp()
    node.controllerHeard({ term: 5, commitIndex: 20 }, 5)
    node.applied(19, 5)
    expect(node.isDone).toBe(false)
  })

  it('not by one whose term is over, as it knows from its disk: another one may have decided more since', () => {
    const node = new CatchUp()
    node.applied(105, 2)
    expect(node.controllerHeard({ term: 2, commitIndex: 100 }, 3)).toBe(false)
    expect(node.isDone).toBe(false)
    node.controllerHeard({ term: 3, commitIndex: 111 }, 3)
    node.applied(110, 3)
    expect(node.isDone).toBe(false)
    node.applied(111, 3)
    expect(node.isDone).toBe(true)
  })
})
