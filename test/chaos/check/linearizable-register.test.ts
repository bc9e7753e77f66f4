import fc from 'fast-check'
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

/**
 * By the definition: some order of all calls that happened, in which nobody comes before who had returned when they began. With Lowe's memory
 * of what was tried: the same calls done in whatever order, with the same value left, go on in the same way.
 */
function isLinearizableByForce(all: readonly RegisterOperation[]): boolean {
  const operations = all.filter(({ type, returnedAt }) => type === 'write' || returnedAt < Infinity)
  const tried = new Set<string>()
  const goOn = (rest: readonly number[], value: string | null): boolean => {
    const left = rest.map((at) => operations[at] as RegisterOperation)
    if (left.every(({ returnedAt }) => returnedAt === Infinity)) return true
    const key = `${rest.join()} ${value}`
    if (tried.has(key)) return false
    tried.add(key)
    return left.some((next, at) => {
      if (left.some((other) => other.returnedAt < next.calledAt)) return false
      if (next.type === 'read' && next.value !== value) return false
      return goOn(
        rest.filter((_, other) => other !== at),
        next.value,
      )
    })
  }
  return goOn([...operations.keys()], null)
}

const NEVER_WRITTEN = 'z'
const calls = fc.array(
  fc.record({
    isWrite: fc.boolean(),
    at: fc.integer({ min: 0, max: 12 }),
    before: fc.integer({ min: 0, max: 4 }),
    after: fc.integer({ min: 0, max: 4 }),
    isAnswered: fc.integer({ min: 0, max: 5 }).map((one) => one > 0),
    happens: fc.boolean(),
    /** Of what a read returns that does not return what is there. */
    otherValue: fc.option(fc.nat(), { freq: 8 }),
  }),
  { minLength: 2, maxLength: 10 },
)

/** What a register answers to calls that each happen at their moment, but for reads that answer something else. */
function played(asked: typeof calls extends fc.Arbitrary<infer T> ? T : never): RegisterOperation[] {
  const inOrder = asked.toSorted((left, right) => left.at - right.at)
  const values = [null, NEVER_WRITTEN, ...inOrder.map((_, at) => `v${at}`)]
  let value: string | null = null
  return inOrder.map(({ isWrite, at, before, after, isAnswered, happens, otherValue }, order) => {
    const times = { calledAt: at - before, returnedAt: isAnswered ? at + after : Infinity }
    if (!isWrite) return { type: 'read', value: otherValue === null ? value : (values[otherValue % values.length] ?? null), ...times }
    if (isAnswered || happens) value = `v${order}`
    return { type: 'write', value: `v${order}`, ...times }
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
    ['a read that ends when its write begins', ['r a 0 2', 'w a 2 3']],
    ['a value that is there when another one ends', ['w a 0 1', 'w b 1 4', 'r b 3 4', 'w c 4 5', 'r c 6 7']],
    ['a value from one moment to the next, and another one at the first', ['w a 0 1', 'w b 0 1', 'r b 5 6']],
  ])('%s', (_, lines) => expect(findUnlinearizable(history(...lines))).toBeUndefined())

  it.each([
    ['a stale read', ['w a 0 1', 'w b 2 3', 'r a 4 5'], 'r a 4 5'],
    ['nothing is read after something was written', ['w a 0 1', 'r - 2 3'], 'r - 2 3'],
    ['what nobody wrote', ['w a 0 1', 'r z 2 3'], 'r z 2 3'],
    ['what was written later only', ['r a 0 1', 'w a 2 3'], 'r a 0 1'],
    ['back and forth', ['w a 0 1', 'w b 2 9', 'r b 3 4', 'r a 5 6'], 'r a 5 6'],
    ['two readers disagree on the order of two writes', ['w a 0 9', 'w b 0 9', 'r a 10 11', 'r b 12 13'], 'r b 12 13'],
    ['a write without an outcome, seen and then not', ['w a 0 1', 'w b 2 ?', 'r b 3 4', 'r a 5 6'], 'r a 5 6'],
  ])('no: %s', (_, lines, culprit) => expect(findUnlinearizable(history(...lines))).toEqual(history(culprit)[0]))

  it('as the definition says, in 10,000 small histories; the culprit is a read for which there is no room with what began until then', () => {
    const outcomes = { legal: 0, illegal: 0 }
    const isExact = fc.property(calls, (asked) => {
      const operations = played(asked)
      const isLegal = isLinearizableByForce(operations)
      const culprit = findUnlinearizable(operations)
      outcomes[isLegal ? 'legal' : 'illegal']++
      expect(culprit === undefined).toBe(isLegal)
      if (culprit === undefined) return
      expect(operations).toContain(culprit)
      expect(culprit).toMatchObject({ type: 'read', returnedAt: expect.any(Number) })
      expect(culprit.returnedAt).toBeLessThan(Infinity)
      expect(isLinearizableByForce(operations.filter(({ calledAt }) => calledAt <= culprit.calledAt))).toBe(false)
    })
    fc.assert(isExact, { numRuns: 10_000 })
    expect(Math.min(outcomes.legal, outcomes.illegal)).toBeGreaterThan(2_000)
  })

  it('begins with any value', () => {
    expect(findUnlinearizable(history('r a 0 1', 'w b 2 3'), 'a')).toBeUndefined()
    expect(findUnlinearizable(history('r a 0 1', 'w b 2 3', 'r a 4 5'), 'a')).toMatchObject({ calledAt: 4 })
  })

  it.each([
    ['a value that is written twice', ['w a 0 1', 'w b 0 1', 'w a 4 ?'], '"a" is written by the call at 0 and by the one at 4'],
    ['the value that it begins with', ['w - 3 4'], 'null is there from the beginning and is written by the call at 3'],
  ])('or nobody can say: %s', (_, lines, sentence) => {
    expect(() => findUnlinearizable(history(...lines))).toThrow(expect.objectContaining({ name: 'HistoryError', message: expect.stringContaining(sentence) }))
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

  it('of ten thousand writes, one after the other', () => {
    const operations = Array.from(
      { length: 10_000 },
      (_, at): RegisterOperation => ({ type: 'write', value: `${at}`, calledAt: 2 * at, returnedAt: 2 * at + 1 }),
    )
    expect(findUnlinearizable(operations)).toBeUndefined()
    operations.push({ type: 'read', value: '9998', calledAt: 20_000, returnedAt: 20_001 })
    expect(findUnlinearizable(operations)).toMatchObject({ calledAt: 20_000 })
  })

  it('not, whatever became of many writes that nobody answered and somebody read', () => {
    const lines = Array.from({ length: 100 }, (_, at) => [`w v${at} 0 ?`, `r v${at} ${10 + 2 * at} ${11 + 2 * at}`]).flat()
    expect(findUnlinearizable(history(...lines))).toBeUndefined()
    expect(findUnlinearizable(history(...lines, 'r v0 1000 1001'))).toMatchObject({ calledAt: 1_000 })
  })
})
