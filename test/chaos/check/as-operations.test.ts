import { describe, expect, it } from 'vitest'
import { checkHistory } from '../../../chaos/check/anomalies/check-history.ts'
import { asOperations } from '../../../chaos/check/as-operations.ts'
import type { ReadRecord } from '../../../chaos/check/delivery.ts'
import { History } from '../../../chaos/history.ts'

const record = (partition: number, offset: number, value: string): ReadRecord => ({ topicId: 't', partition, offset, value })

/** Written as `+1 ok1@0`: send 1 begins, and is acknowledged at offset 0; `r1@0`: its record is read there. All of partition 0. */
function historyOf(text: string): History {
  const history = new History()
  for (const word of text.split(' ')) {
    const [, what, id, at] = /^(\+|ok|fail|info|r)(\d+)(?:@(\d+))?$/.exec(word) ?? []
    const [sendId, offset] = [Number(id), Number(at)]
    if (what === '+') history.add({ type: 'send', atMs: 1, sendId, producer: 'p', topicId: 't', partition: 0, value: `v${id}` })
    else if (what === 'ok') history.add({ type: 'ok', atMs: 2, sendId, partition: 0, offset })
    else if (what === 'r') history.add({ type: 'read', atMs: 3, consumer: 'c', ...record(0, offset, `v${id}`) })
    else history.add({ type: what as 'fail' | 'info', atMs: 2, sendId, code: 'REQUEST_TIMED_OUT' })
  }
  return history
}

function names(text: string, records: readonly ReadRecord[], isLeftOut = false): string[] {
  return [...new Set(checkHistory(asOperations(historyOf(text), records, () => isLeftOut)).anomalies.map(({ name }) => name))]
}

describe('a simulated history, judged as a live one,', () => {
  it('shows nothing where all is well: sends side by side in any order, unknown ones there or not, refused ones not', () => {
    const text = '+1 +2 ok2@0 ok1@1 +3 info3 +4 fail4 r2@0 r1@1 +5 ok5@3'
    expect(names(text, [record(0, 0, 'v2'), record(0, 1, 'v1'), record(0, 2, 'v3'), record(0, 3, 'v5')])).toEqual([])
    expect(names(text, [record(0, 0, 'v2'), record(0, 1, 'v1'), record(0, 3, 'v5')])).toEqual([])
  })

  it.each([
    ['a send lies before one that was acknowledged when it began', '+1 ok1@1 +2 ok2@0', ['v2', 'v1'], ['G0-realtime', 'realtime-send-inversion']],
    ['a consumer passes something over', '+1 ok1@0 +2 ok2@1 +3 ok3@2 r1@0 r3@2', ['v1', 'v2', 'v3'], ['poll-skip']],
    ['a consumer goes back', '+1 ok1@0 +2 ok2@1 r1@0 r2@1 r1@0', ['v1', 'v2'], ['nonmonotonic-poll']],
    ['an acknowledged record is gone', '+1 ok1@0 +2 ok2@1', ['v1'], ['unseen']],
    ['a record is there that nobody sent', '+1 ok1@0', ['v1', 'v9'], ['unexpected-read']],
    ['what was refused is there', '+1 ok1@0 +2 fail2', ['v1', 'v2'], ['G1a']],
    ['a record is there twice', '+1 ok1@0', ['v1', 'v1'], ['duplicate']],
  ])('is guilty where %s', (_, text, values, expected) => {
    expect(
      names(
        text,
        values.map((value, offset) => record(0, offset, value)),
      ),
    ).toEqual(expected)
    expect(names(text, [], true)).toEqual([])
  })
})
