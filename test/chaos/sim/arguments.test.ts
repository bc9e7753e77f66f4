import { describe, expect, it } from 'vitest'
import { parseSimArguments } from '../../../chaos/sim/arguments.ts'

describe('the options of the simulator', () => {
  it.each([
    [[], { fromSeed: 1, toSeed: 1, jobs: 2 }],
    [['--seed', '42', '--trace'], { fromSeed: 42, toSeed: 42, trace: true }],
    [['--seeds=3..7', '--jobs=1'], { fromSeed: 3, toSeed: 7, jobs: 1 }],
    [['--time', '60'], { fromSeed: 1, toSeed: 2 ** 31, seconds: 60 }],
    [['--time', '10m', '--twice', '25'], { seconds: 600, twice: 25, failures: '.sim' }],
    [['--resume', 'runs.jsonl', '--fault-phase', '1h'], { resume: 'runs.jsonl', faultPhaseMs: 3_600_000 }],
    [['--seed', '2'], { resume: null, faultPhaseMs: 60_000 }],
    [['--mutants'], { fromSeed: 1, toSeed: 2_000, mutants: true, only: '' }],
    [['--mutants', '--only', 'vote', '--seeds', '1..30'], { toSeed: 30, only: 'vote' }],
  ])('%j', (args, expected) => {
    expect(parseSimArguments(args, 2)).toMatchObject(expected)
  })

  it.each([
    [['--seeds', '7..3'], /A ≤ B/],
    [['--seed', 'x'], /whole number/],
    [['--seed'], /needs a value/],
    [['--sed', '1'], /not an option/],
    [['--mutants', '--seeds', '2..3'], /begins with seed 1/],
    [['--time', '10 years'], /90s, 10m or 2h/],
    [['--time', '0m'], /90s, 10m or 2h/],
    [['--fault-phase', '59s'], /60s or more/],
    [['--mutants', '--resume', 'runs.jsonl'], /not for --mutants/],
  ])('%j is refused', (args, expected) => {
    expect(() => parseSimArguments(args, 2)).toThrow(expected)
  })
})
