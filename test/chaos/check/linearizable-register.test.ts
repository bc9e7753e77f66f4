import { describe, expect, it } from 'vitest'
import { findUnlinearizable, type RegisterOperation } from '../../../chaos/check/linearizable-register.ts'
import { SeededRandom } from '../../../src/base/random.ts'

/** `w a 1 4`: a was written from 1 to 4. `r a 2 3`; `r - 2 3`: nothing was read. `w a 1 ?`: the outcome never came. */
function history(...lines: readonly string[]): RegisterOperation[] {
  return lines.map((line) => {
    const [type, value = '', calledAt, returnedAt] = line.split(' ')
    const until = returnedAt === '?' ? Infinity : Number(returnedAt)
    return { type: type === 'w' ? 'write' : 'read', value: value === '-' ? null : value, calledAt: Number(calledAt), returnedAt: until }
  })
}

/** By the definition: some order of all calls that happened, in which nobody comes before who had returned when they began. */
function isLinearizableByForce(operations: readonly RegisterOperation[], value: string | null = null): boolean {
  const mustHappen = operations.filter(({ returnedAt }) => returnedAt < Infinity)
  if (mustHappen.length === 0) return true
  return operations.some((next, at) => {
    const rest = operations.filter((_, other) => other !== at)
    if (rest.some((other) => other.returnedAt < next.calledAt)) return false
    if (next.type === 'read' && next.value !== value) return false
    return isLinearizableByForce(rest, next.type === 'write' ? next.value : value)
  })
}

describe('a register is linearizable', () => {
  it.each([
    ['nothing happened', []],
    ['one after the other', ['r - 0 1', 'w a 2 3', 'r a 4 5', 'w b 6 7', 'r b 8 9']],
    ['a read beside a write sees either', ['w a 0 1', 'w b 2 9', 'r a 3 4', 'r b 5 6']],
    ['a write without an outcome takes effect late', ['w a 0 1', 'w b 2 ?', 'r a 3 4', 'r a 5 6', 'r b 7 8']],
    ['a write without an outcome never happened', ['w a 0 1', 'w b 2 ?', 'r a 3 4']],
    ['a read without an outcome says nothing', ['w a 0 1', 'r z 2 ?']],
    ['two writes side by side, in the order that a later read tells', ['w a 0 5', 'w b 0 5', 'r a 6 7', 'r a 8 9']],
    ['calls that touch overlap', ['w a 0 2', 'r - 2 3']],
  ])('%s', (_, lines) => expect(findUnlinearizable(history(...lines))).toBeUndefined())

  it.each([
    ['a stale read', ['w a 0 1', 'w b 2 3', 'r a 4 5'], 'r a 4 5'],
    ['nothing is read after something was written', ['w a 0 1', 'r - 2 3'], 'r - 2 3'],
    ['what nobody wrote', ['w a 0 1', 'r z 2 3'], 'r z 2 3'],
    ['back and forth', ['w a 0 1', 'w b 2 9', 'r b 3 4', 'r a 5 6'], 'r a 5 6'],
    ['two readers disagree on the order of two writes', ['w a 0 9', 'w b 0 9', 'r a 10 11', 'r b 12 13'], 'r b 12 13'],
    ['a write without an outcome, seen and then not', ['w a 0 1', 'w b 2 ?', 'r b 3 4', 'r a 5 6'], 'r a 5 6'],
  ])('no: %s', (_, lines, culprit) => expect(findUnlinearizable(history(...lines))).toEqual(history(culprit)[0]))

  it('as the definition says, in 20,000 small histories', () => {
    const random = new SeededRandom(1)
    const outcomes = { legal: 0, illegal: 0 }
    for (let round = 0; round < 20_000; round++) {
      const operations = Array.from({ length: 1 + random.integer(6) }, (): RegisterOperation => {
        const calledAt = random.integer(10)
        const type = random.integer(2) === 0 ? 'write' : 'read'
        const value = type === 'read' && random.integer(5) === 0 ? null : ['a', 'b', 'c'][random.integer(3)]
        return { type, value: value ?? null, calledAt, returnedAt: random.integer(8) === 0 ? Infinity : calledAt + random.integer(6) }
      })
      const known = operations.filter(({ type, returnedAt }) => type === 'write' || returnedAt < Infinity)
      const isLegal = isLinearizableByForce(known)
      expect(findUnlinearizable(operations) === undefined, JSON.stringify(operations)).toBe(isLegal)
      outcomes[isLegal ? 'legal' : 'illegal']++
    }
    expect(Math.min(outcomes.legal, outcomes.illegal)).toBeGreaterThan(4_000)
  })

  it('finds its way through a long history with many calls side by side', () => {
    const random = new SeededRandom(2)
    const operations: RegisterOperation[] = []
    let value: string | null = null
    for (let moment = 0; moment < 2_000; moment++) {
      const isWrite = random.integer(3) === 0
      if (isWrite) value = `v${moment}`
      operations.push({ type: isWrite ? 'write' : 'read', value, calledAt: moment * 10 - random.integer(50), returnedAt: moment * 10 + random.integer(50) })
    }
    expect(findUnlinearizable(operations)).toBeUndefined()
    const early = operations.find(({ type, value: read }) => type === 'read' && read !== null) as RegisterOperation
    operations.push({ ...early, calledAt: 30_000, returnedAt: 30_001 })
    expect(findUnlinearizable(operations)).toMatchObject({ calledAt: 30_000 })
  })
})
