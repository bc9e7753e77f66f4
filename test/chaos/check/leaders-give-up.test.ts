import { expect, it } from 'vitest'
import { LeadersGiveUp } from '../../../chaos/check/leaders-give-up.ts'

const voters = (...terms: readonly (number | null)[]): { readonly nodeId: number; readonly leadsTerm: number | null }[] =>
  terms.map((leadsTerm, at) => ({ nodeId: at + 1, leadsTerm }))

it('a leader gives up a few seconds after another was elected, or the check says so', () => {
  const check = new LeadersGiveUp()
  check.look(0, voters(1, null, null))
  check.look(1_000, voters(1, 2, null))
  check.look(5_000, voters(1, 2, null))
  expect(() => check.look(5_250, voters(1, 2, null))).toThrow(/^convergence: node 1 leads in term 1, and 4.25 s have passed since another/)
})

it('it begins anew with one that gave up, was paused, or leads in the newest term', () => {
  const check = new LeadersGiveUp()
  check.look(0, voters(1, 2, null))
  check.look(4_000, voters(null, 2, null))
  check.look(5_000, voters(1, 2, null))
  check.look(8_000, voters(3, 2, null))
  expect(() => check.look(11_000, voters(3, null, 1))).not.toThrow()
})
