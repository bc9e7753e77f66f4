import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { anomalyNames } from '../../../../chaos/check/anomalies/anomaly.ts'
import { checkHistory, type Conclusion, conclusionOf } from '../../../../chaos/check/anomalies/check-history.ts'
import { profiles } from '../../../../chaos/check/anomalies/profiles.ts'
import type { MicroOperation, Operation, Outcome, Polled } from '../../../../chaos/operations/operation.ts'
import { SeededRandom } from '../../../../src/base/random.ts'
import { atOnce, historyOf, threeSent } from './case.ts'
import { cases } from './cases.ts'
import { crossings } from './crossings.ts'
import { damages, interleave, numbered } from './damage.ts'
import type { Script } from './script.ts'
import { ValidHistory } from './valid-history.ts'

const seeds = fc.integer({ min: 0, max: 1_000_000 })

function namesOf(history: readonly Operation[]): string[] {
  return [...new Set(checkHistory(history).anomalies.map(({ name }) => name))].sort()
}

describe('every anomaly', () => {
  it('has a case', () => {
    expect(cases.map(({ name }) => name)).toEqual([...anomalyNames])
  })

  it.each(cases)('$name is found in the history that has it, and nothing else', ({ name, also = [], guilty }) => {
    const verdict = checkHistory(historyOf(guilty))
    expect(namesOf(historyOf(guilty))).toEqual([name, ...also].sort())
    expect(verdict.isValid).toBe(false)
    for (const { operations, sentence } of verdict.anomalies) {
      expect(operations.length).toBeGreaterThan(0)
      for (const index of operations) expect(historyOf(guilty)[index]?.type).toBe('invoke')
      expect(sentence).not.toContain('undefined')
    }
  })

  it.each(cases)('nothing is in the history that almost has $name: $almost', ({ innocent }) => {
    expect(namesOf(historyOf(innocent))).toEqual([])
  })

  it.each(cases)('$name is found, alone, beside a valid history', ({ name, also = [], guilty }) => {
    const isExact = fc.property(seeds, (seed) => {
      const both = interleave(new ValidHistory(seed).operations, historyOf(guilty), new SeededRandom(seed + 1))
      expect(namesOf(numbered(both))).toEqual([name, ...also].sort())
    })
    fc.assert(isExact, { numRuns: 25 })
  })
})

describe('a valid history', () => {
  it('shows nothing', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        expect(namesOf(new ValidHistory(seed).operations)).toEqual([])
      }),
      { numRuns: 100 },
    )
  })

  it('has a damage for each anomaly', () => {
    const names = [...damages, ...crossings].map(({ name }) => name)
    expect(new Set(names)).toEqual(new Set(anomalyNames))
  })

  it.each([...damages, ...crossings])('shows $name, and nothing else, once it is damaged so', ({ name, also = [], apply }) => {
    let damaged = 0
    const isExact = fc.property(seeds, (seed) => {
      const history = apply(new ValidHistory(seed).operations, new SeededRandom(seed + 1))
      if (history === undefined) return
      damaged++
      expect(namesOf(numbered(history))).toEqual([name, ...also].sort())
    })
    fc.assert(isExact, { numRuns: 60 })
    expect(damaged).toBeGreaterThan(15)
  })
})

it('what lies on the disk of a node was not read by anybody', () => {
  const onDisk: Polled = {
    0: [
      [0, 1],
      [1, 2],
    ],
  }
  const history = historyOf((s) => {
    s.send(0, 0, 1, 0)
      .send(0, 0, 2, 1)
      .poll(1, { 0: [[1, 2]] })
    s.poll(9, onDisk, 'ok', { node: 1 })
  })
  expect(namesOf(history)).toEqual(['lost-write', 'unseen'])
  const onDiskOnly = historyOf((s) => s.send(0, 0, 1, 0).poll(9, { 0: [[0, 1]] }, 'ok', { node: 1 }))
  expect(checkHistory(onDiskOnly).doubts).toContain('no poll returned anything')
})

describe('what was polled and is not there any more', () => {
  const three: Polled = {
    0: [
      [0, 1],
      [2, 2],
      [3, 3],
    ],
  }
  const [first, last]: readonly [Polled, Polled] = [{ 0: [[0, 1]] }, { 0: [[3, 3]] }]
  const toBeginning = (s: Script, process: number): Script => s.assign(process, [0], { seekToBeginning: true })
  it.each<[string, readonly string[], (s: Script) => unknown]>([
    ['the start', ['vanished'], (s) => toBeginning(s, 2).poll(2, last)],
    [
      'the start, in the midst of all',
      ['vanished'],
      (s) =>
        toBeginning(s, 2)
          .poll(2, last)
          .send(0, 0, 4, 4)
          .poll(1, { 0: [[4, 4]] }),
    ],
    ['everything', ['vanished'], (s) => toBeginning(s, 2).poll(2, {})],
    ['nothing: another one found it', [], (s) => toBeginning(toBeginning(s, 2), 3).poll(2, first).poll(2, {}).poll(3, three)],
    ['nothing: it goes on from where it was', [], (s) => s.assign(2, [0]).poll(2, last)],
    ['nothing: that poll failed', [], (s) => toBeginning(s, 2).poll(2, first).poll(2, {}, 'fail')],
    [
      'nothing: more was sent meanwhile',
      [],
      (s) =>
        toBeginning(s, 2)
          .poll(2, first)
          .poll(2, {})
          .send(0, 0, 4, 4)
          .poll(1, { 0: [[4, 4]] }),
    ],
    [
      'nothing: it was cut short',
      [],
      (s) =>
        toBeginning(s, 2)
          .poll(2, first)
          .poll(2, {})
          .begin(3, 'poll', [['poll']]),
    ],
  ])('%s: %j', (_, names, write) => {
    expect(namesOf(historyOf((s) => write(threeSent(s).poll(1, three))))).toEqual(names)
  })
})

it('writes follow each other over one that nobody saw for sure', () => {
  const crossed = historyOf((s) => {
    s.begin(5, 'send', [['send', 0, 9]])('info')
    atOnce(
      s,
      [
        ['send', 0, [0, 1]],
        ['send', 1, [1, 1]],
      ],
      [
        ['send', 0, [2, 2]],
        ['send', 1, [0, 2]],
      ],
    )
    s.poll(7, { 0: [[1, 9]] }, 'info')
    s.poll(6, { 0: [[0, 1]] }).poll(6, { 0: [[1, 9]] }, 'info')
    s.poll(8, {
      1: [
        [0, 2],
        [1, 1],
      ],
    })
  })
  expect(namesOf(crossed)).toContain('G0')
})

it('a value is a duplicate whoever sent it, and if nobody did', () => {
  const history = historyOf((s) =>
    s.send(0, 0, 1, 0).poll(1, {
      0: [
        [0, 1],
        [1, 7],
        [2, 7],
      ],
    }),
  )
  expect(namesOf(history)).toEqual(['duplicate', 'unexpected-read'])
})

it('of a copy that ends where it is damaged, what is missing before that is lost', () => {
  const lacking = (at: number) => (s: Script) => {
    const pairs = [0, 2, 3].map((offset, index) => [offset, index + 1] as const)
    const left = pairs.filter((_, index) => index !== at)
    threeSent(s).poll(3, { 0: pairs }).poll(2, { 0: left }, 'info', { node: 2 })
  }
  expect([0, 1, 2].map((at) => namesOf(historyOf(lacking(at))))).toEqual([['lost-on-node'], ['int-poll-skip', 'lost-on-node'], []])
})

describe('what is legal', () => {
  it('is a profile: Kafka does not isolate the writes of its transactions', () => {
    const interleaved = historyOf(cases.find(({ name }) => name === 'int-send-skip')!.guilty)
    expect(checkHistory(interleaved, profiles.kafka)).toMatchObject({ isValid: true, forbidden: [] })
    expect(checkHistory(interleaved, profiles.oxbow)).toMatchObject({ isValid: false, forbidden: ['int-send-skip', 'G0'] })
  })

  it('is a cycle of writes, and none of reads alone', () => {
    const each = historyOf((s) => {
      const [one, other] = [0, 1].map((process) => s.begin(process, 'txn', [['send', process, 1], ['poll']]))
      one!('ok', [
        ['send', 0, [0, 1]],
        ['poll', { 1: [[0, 1]] }],
      ])
      other!('ok', [
        ['send', 1, [0, 1]],
        ['poll', { 0: [[0, 1]] }],
      ])
    })
    expect(checkHistory(each, profiles.kafka)).toMatchObject({ isValid: false, forbidden: ['G1c'] })
    const early = historyOf((s) => s.poll(1, { 0: [[0, 1]] }).send(0, 0, 1, 0))
    expect(checkHistory(early, profiles.kafka)).toMatchObject({ isValid: false, forbidden: ['G1c-realtime'] })
  })

  it('is a skip between the polls of those who subscribe, not of those who assign', () => {
    const skips = cases.find(({ name }) => name === 'poll-skip')!.guilty
    expect(checkHistory(historyOf(skips)).isValid).toBe(false)
    const subscribed = (process: number, outcome: 'ok' | 'fail'): ReturnType<typeof historyOf> =>
      historyOf((script) => {
        script.begin(process, 'subscribe', [0])(outcome)
        skips(script)
      })
    expect(checkHistory(subscribed(2, 'ok'))).toMatchObject({ isValid: true, anomalies: [{ name: 'poll-skip' }] })
    expect([checkHistory(subscribed(7, 'ok')).isValid, checkHistory(subscribed(2, 'fail')).isValid]).toEqual([false, false])
  })
})

describe('the conclusion', () => {
  const sent = (s: Script): Script => s.send(0, 0, 1, 0).send(0, 0, 2, 1)
  const both: Polled = {
    0: [
      [0, 1],
      [1, 2],
    ],
  }
  const late: Polled = { 0: [[0, 1]] }
  it.each<[string, Conclusion, (script: Script) => unknown]>([
    ['all was polled', 'valid', (s) => sent(s).poll(1, both)],
    ['nothing was acknowledged', 'inconclusive', (s) => s.send(0, 0, 1, 0, 'info').poll(1, late)],
    ['nothing was polled', 'inconclusive', (s) => sent(s)],
    ['it was cut short: nobody went to the beginning after the last send', 'inconclusive', (s) => sent(s).poll(1, late)],
    ['it was cut short after that, before anything came', 'inconclusive', (s) => sent(s).poll(1, late).assign(2, [0], { seekToBeginning: true })],
    [
      'it was cut short while somebody polled',
      'inconclusive',
      (s) =>
        sent(s)
          .assign(2, [0], { seekToBeginning: true })
          .poll(2, late)
          .begin(2, 'poll', [['poll']]),
    ],
    ['it was broken off while somebody polled', 'inconclusive', (s) => sent(s).assign(2, [0], { seekToBeginning: true }).poll(2, late).poll(2, {}, 'fail')],
    [
      'one was broken off, and another one came to the end',
      'anomalies',
      (s) => sent(s).assign(2, [0], { seekToBeginning: true }).assign(3, [0], { seekToBeginning: true }).poll(3, late).poll(2, {}, 'fail'),
    ],
    [
      'somebody did that with another key alone',
      'inconclusive',
      (s) =>
        sent(s)
          .poll(1, late)
          .send(0, 1, 1, 0)
          .assign(2, [1], { seekToBeginning: true })
          .poll(2, { 1: [[0, 1]] }),
    ],
    [
      'somebody did, and what never ended had begun long before',
      'anomalies',
      (s) => {
        s.begin(9, 'poll', [['poll']])
        sent(s).assign(2, [0], { seekToBeginning: true }).poll(2, late)
      },
    ],
    ['somebody did, and one is not there', 'anomalies', (s) => sent(s).assign(2, [0], { seekToBeginning: true }).poll(2, late)],
    [
      'it was cut short, and shows something else as well',
      'anomalies',
      (s) =>
        sent(s)
          .send(0, 1, 9, undefined, 'fail')
          .poll(1, { 0: [[0, 1]], 1: [[0, 9]] }),
    ],
  ])('of a history in which %s: %s', (_, conclusion, write) => {
    expect(conclusionOf(checkHistory(historyOf(write)))).toBe(conclusion)
  })
})

describe('a history that makes no sense', () => {
  const ONE_SENT: readonly MicroOperation[] = [['send', 0, [0, 1]]]
  const TWO: readonly MicroOperation[] = [
    ['send', 0, 1],
    ['send', 0, 2],
  ]
  const sendThat = (outcome: Outcome, ended: Operation['value']): readonly Operation[] => historyOf((s) => s.begin(0, 'send', [['send', 0, 1]])(outcome, ended))
  it.each<[string, string, readonly Operation[]]>([
    ['a value that is sent twice', 'value 1 is sent by 0 and by 2', historyOf((s) => s.send(0, 0, 1, 0).send(0, 0, 1, 1))],
    ['an end without a begin', 'ends at 1 what it never began', historyOf((s) => s.send(0, 0, 1, 0)).slice(1)],
    ['a second begin', 'begins 1 and has not ended 0', [0, 1].map((index) => ({ ...historyOf((s) => s.send(0, 0, 1, 0))[0]!, index }))],
    [
      'an order that goes back',
      'index 1 comes after 1',
      [0, 0].map(() => historyOf((s) => s.send(0, 0, 1, 0))[1]!).map((one, at) => (at === 0 ? { ...one, type: 'invoke' as const } : one)),
    ],
    [
      'the end of something else',
      'process 0 begins send at 0 and ends poll at 1',
      sendThat('ok', [['poll', {}]]).map((one, at) => (at === 0 ? one : { ...one, f: 'poll' })),
    ],
    [
      'the end of another send',
      'process 0 sends value 1 to key 0 where it begins at 0, and value 2 to key 0 where it ends at 1',
      sendThat('ok', [['send', 0, [0, 2]]]),
    ],
    ['the end of a send to another key', 'and value 1 to key 3 where it ends at 1', sendThat('fail', [['send', 3, 1]])],
    ['an acknowledged send of nothing', 'and nothing more where it ends at 1', sendThat('ok', [])],
    ['an unknown end that has forgotten what was sent', 'and nothing more where it ends at 1', sendThat('info', [])],
    [
      'an end with more than was asked for',
      'sends nothing more where it begins at 0, and value 2 to key 0',
      sendThat('ok', [...ONE_SENT, ['send', 0, [1, 2]]]),
    ],
    ['another order', 'sends value 1 to key 0 where it begins at 0, and value 2 to key 0', historyOf((s) => s.begin(0, 'txn', TWO)('info', TWO.toReversed()))],
    ['a poll that sends', 'sends nothing more where it begins at 0', historyOf((s) => s.begin(0, 'poll', [['poll']])('ok', ONE_SENT))],
    [
      'an acknowledged send that says nothing of its offset',
      'process 0 ends ok at 1 with ["send",0,1]: its offset is missing',
      sendThat('ok', [['send', 0, 1]]),
    ],
    [
      'a process that goes on though it ended unknown',
      'process 0 begins 2 and has ended unknown at 1',
      // Value 1 came late: this is nobody's going back.
      historyOf((s) =>
        s
          .send(0, 0, 1, undefined, 'info')
          .send(0, 0, 2, 0)
          .poll(1, {
            0: [
              [0, 2],
              [1, 1],
            ],
          }),
      ),
    ],
    [
      'a process that goes on after a crash',
      'process 4 begins 2 and has ended unknown at 1',
      historyOf((s) => s.begin(4, 'crash', [])('info')).concat({ ...historyOf((s) => s.poll(4, {}))[0]!, index: 2 }),
    ],
  ])('is refused: %s', (_, sentence, history) => {
    expect(() => checkHistory(history)).toThrow(expect.objectContaining({ name: 'HistoryError', message: expect.stringContaining(sentence) }))
  })

  it.each<[string, (script: Script) => unknown]>([
    ['an unknown end that knows some offsets', (s) => s.begin(0, 'txn', TWO)('info', [['send', 0, [7, 1]], TWO[1]!])],
    ['a failure that repeats what was asked', (s) => s.begin(0, 'txn', TWO)('fail')],
    [
      'a failure that knows an offset',
      (s) =>
        s.begin(
          0,
          'txn',
          TWO,
        )('fail', [
          ['send', 0, [7, 1]],
          ['send', 0, [null, 2]],
        ]),
    ],
    ['an acknowledged send whose offset is not known', (s) => s.send(0, 0, 1)],
    ['another process that goes on', (s) => s.send(0, 0, 1, undefined, 'info').send(3, 0, 2, 0)],
    ['a process that goes on after a failure', (s) => s.send(0, 0, 1, undefined, 'fail').send(0, 0, 2, 0)],
    ['copies of a node that are damaged, one after the other', (s) => s.poll(9, { 0: [] }, 'info', { node: 1 }).poll(9, { 1: [] }, 'info', { node: 1 })],
  ])('is not one with %s', (_, write) => {
    expect(() => checkHistory(historyOf(write))).not.toThrow()
  })
})
