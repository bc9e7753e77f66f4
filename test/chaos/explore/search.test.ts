import { expect, it } from 'vitest'
import { Violation } from '../../../chaos/check/violation.ts'
import type { Model } from '../../../chaos/explore/model.ts'
import { hashState } from '../../../chaos/explore/visited.ts'
import { Search } from '../../../chaos/explore/search.ts'
import { tellStory } from '../../../chaos/explore/story.ts'

/** Two counters from 0 to `most`; an action is the counter that goes up. `wrong`: a sum that is not allowed; `stuck`: one from which there is no way back to 0. */
function counters(most: number, options: { readonly wrong?: number; readonly stuck?: number } = {}): Model {
  const perform: Model['perform'] = (state, action) => {
    const next = state.map((count, at) => count + Number(at === action))
    if (next[0]! + next[1]! === options.wrong) throw new Violation('I1', 'too much')
    return next
  }
  return {
    initial: () => [0, 0],
    hash: hashState,
    expand: (state, visit) => {
      for (const action of [0, 1]) if (state[action]! < most) visit(action, () => perform(state, action))
    },
    heal: (state) => {
      const at = state.findIndex((count) => count > 0)
      if (at < 0) return undefined
      if (state[0]! + state[1]! === options.stuck) return { action: at, next: state }
      return { action: at, next: state.map((count, place) => count - Number(place === at)) }
    },
    perform,
    tell: (_state, action) => `counter ${action} goes up`,
    stand: (state) => state.map((count, at) => `counter ${at} is at ${count}`),
  }
}

it('meets each state once, and counts all ways between them', () => {
  const { states, transitions, depth, isComplete, found } = new Search(counters(9), { maxStates: 1000, heal: true }).run()
  expect({ states, transitions, depth, isComplete, found }).toEqual({ states: 100, transitions: 180, depth: 18, isComplete: true, found: undefined })
})

it('gives up at the most states that are asked for, and says so', () => {
  expect(new Search(counters(99), { maxStates: 1000, heal: false }).run()).toMatchObject({ isComplete: false, found: undefined })
})

it('finds the shortest way to what is wrong, and tells it', () => {
  const model = counters(9, { wrong: 3 })
  const { found } = new Search(model, { maxStates: 1000, heal: true }).run()
  expect(tellStory(model, found!)).toEqual([
    '       counter 0 is at 0',
    '       counter 1 is at 0',
    '  1. counter 0 goes up',
    '       counter 0 is at 1',
    '  2. counter 0 goes up',
    '       counter 0 is at 2',
    '  3. counter 0 goes up',
    'I1: too much',
  ])
})

it('takes a state for wrong from which no way leads back to health', () => {
  const { found } = new Search(counters(9, { stuck: 2 }), { maxStates: 1000, heal: true }).run()
  expect(found?.violation.message).toMatch(/^convergence: .* after 400 steps/)
  expect(new Search(counters(9, { stuck: 2 }), { maxStates: 1000, heal: false }).run().found).toBeUndefined()
})
