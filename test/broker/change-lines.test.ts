import { describe, expect, it } from 'vitest'
import type { Logger } from '../../src/base/log-line.ts'
import { ChangeLines, type ReplicaChange } from '../../src/broker/change-lines.ts'

/** The answers to so many changes of one turn, and the lines at its end. */
function turn(changes: readonly ReplicaChange[], lines: ChangeLines, ends: (() => void)[]): number {
  const told = changes.filter((change) => lines.isTold(change)).length
  expect(ends.length).toBe(changes.length === 0 ? 0 : 1)
  for (const end of ends.splice(0)) end()
  return told
}

describe('changes of replicas', () => {
  it('have a line each, but for those of a turn that has a hundred already: they are counted in one line', () => {
    const ends: (() => void)[] = []
    const logged: unknown[] = []
    const logger = { info: (...line: unknown[]) => logged.push(line) } as unknown as Logger
    const lines = new ChangeLines({ clock: { defer: (end) => void ends.push(end) }, logger })
    const many = Array.from({ length: 10_000 }, (): ReplicaChange => 'becameLeader')
    expect(turn(many.slice(0, 100), lines, ends)).toBe(100)
    expect(logged).toEqual([])
    expect(turn([...many, 'isrChanged', 'becameFollower', 'becameFollower'], lines, ends)).toBe(100)
    expect(logged).toEqual([[{ becameLeader: 9_900, becameFollower: 2, isrChanged: 1 }, expect.stringContaining('9900 times leader')]])
    expect(turn(many.slice(0, 3), lines, ends)).toBe(3)
    expect(logged).toHaveLength(1)
  })
})
