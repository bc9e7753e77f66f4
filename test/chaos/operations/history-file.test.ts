import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatEdn, parseEdn } from '../../../chaos/operations/edn.ts'
import { HistoryWriter, readHistory } from '../../../chaos/operations/history-file.ts'
import type { Operation } from '../../../chaos/operations/operation.ts'
import { ValidHistory } from '../check/anomalies/valid-history.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-history-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function whole(path: string): Promise<Operation[]> {
  const operations: Operation[] = []
  for await (const operation of readHistory(path)) operations.push(operation)
  return operations
}

const sent: Operation = {
  index: 1,
  time: 20,
  process: 3,
  type: 'ok',
  f: 'txn',
  value: [
    ['send', 4, [null, 1]],
    ['send', 5, [7, 1]],
    [
      'poll',
      {
        4: [
          [0, 1],
          [2, 3],
        ],
      },
    ],
  ],
}
const everything: readonly Operation[] = [
  { index: 0, time: 10, process: 3, type: 'invoke', f: 'txn', value: [['send', 4, 1], ['send', 5, 1], ['poll']] },
  sent,
  { index: 2, time: 30, process: 4, type: 'invoke', f: 'assign', value: [4, 5], seekToBeginning: true },
  { index: 3, time: 40, process: 4, type: 'fail', f: 'assign', value: [4, 5], error: { code: 'NOT "ENOUGH"', tries: [1, 2.5, null, true] } },
  { index: 4, time: 50, process: 5, type: 'info', f: 'crash', value: [], error: 'a \\ and\na new line' },
  { index: 5, time: 60, process: 6, type: 'ok', f: 'poll', value: [['poll', {}]], rebalanceLog: [{ keys: [4] }, { keys: [] }], node: 2 },
  {
    index: 6,
    time: 70,
    process: 6,
    type: 'ok',
    f: 'debug-topic-partitions',
    value: [4, 5],
    partitions: { 4: { leader: -1, leaderEpoch: 3, replicas: [1, 2], isr: [] } },
  },
]

describe.each(['history.jsonl', 'history.edn'])('%s', (name) => {
  it('gives back what was written, numbered', async () => {
    const path = join(folder, name)
    const writer = new HistoryWriter(path)
    const noted = everything.map(({ index: _, ...operation }) => writer.add(operation))
    expect(noted).toEqual(everything)
    // Not closed: each operation is in the file as soon as it is noted.
    expect(await whole(path)).toEqual(everything)
    writer.close()
  })

  it('gives back a whole history', async () => {
    const path = join(folder, name)
    const { operations } = new ValidHistory(7)
    const writer = new HistoryWriter(path)
    for (const { index: _, ...operation } of operations) writer.add(operation)
    writer.close()
    expect(await whole(path)).toEqual(operations)
  })

  it('leaves out a last line that was cut short, and refuses one in the midst', async () => {
    const path = join(folder, name)
    const writer = new HistoryWriter(path)
    for (const { index: _, ...operation } of everything) writer.add(operation)
    writer.close()
    const line = readFileSync(path, 'utf8').split('\n')[0] as string
    appendFileSync(path, line.slice(0, 25))
    expect(await whole(path)).toEqual(everything)
    appendFileSync(path, `\n${line}\n`)
    await expect(whole(path)).rejects.toThrow(`${path}, line 8: `)
  })

  it('is refused for a last line that is complete and says nothing, and for a first one that was cut short', async () => {
    const path = join(folder, name)
    const writer = new HistoryWriter(path)
    for (const { index: _, ...operation } of everything) writer.add(operation)
    writer.close()
    const line = readFileSync(path, 'utf8').split('\n')[0] as string
    appendFileSync(path, `${line.slice(0, 25)}\n`)
    await expect(whole(path)).rejects.toThrow(`${path}, line 8: `)
    writeFileSync(path, line.slice(0, 25))
    await expect(whole(path)).rejects.toThrow(`${path}, line 1: `)
    writeFileSync(path, line)
    expect(await whole(path)).toEqual([everything[0]])
  })

  it('is never written over', () => {
    const path = join(folder, name)
    writeFileSync(path, 'precious')
    expect(() => new HistoryWriter(path)).toThrow('EEXIST')
    expect(readFileSync(path, 'utf8')).toBe('precious')
  })
})

describe('EDN', () => {
  it('is what Jepsen keeps', () => {
    expect(formatEdn(sent)).toBe('{:index 1, :time 20, :type :ok, :process 3, :f :txn, :value [[:send 4 [nil 1]] [:send 5 [7 1]] [:poll {4 [[0 1] [2 3]]}]]}')
    expect(formatEdn(everything[2] as Operation)).toContain(':value [4 5], :seek-to-beginning? true')
    expect(formatEdn(everything[5] as Operation)).toContain(':value [[:poll {}]], :rebalance-log [{:keys [4]} {:keys []}], :node 2')
  })

  it('is read with tags, sets, other orders and other spaces', () => {
    const line =
      '#jepsen.history.Op{:f :txn :type :ok,:process 3 :time 20N :index 1 :value ([:send 4 [nil 1]] [:send 5 (7 1)] [:poll {4 [[0 1] [2 3]]}]) :error #{:timeout}}'
    expect(parseEdn(line)).toEqual({ ...sent, error: ['timeout'] })
  })

  it('is read with strings as Clojure writes them', () => {
    const line = '{:index 0, :time 0, :type :info, :process 0, :f :crash, :value [], :error "a\ttab, \\"quoted\\", \\u00e9"}'
    expect(parseEdn(line)).toMatchObject({ error: 'a\ttab, "quoted", é' })
  })

  it.each([
    [':invoke, :process 0, :f :crash, :value nil', { f: 'crash', type: 'invoke' }],
    [':info, :process 0, :f :crash, :value nil', { f: 'crash', type: 'info' }],
    [':invoke, :process 0, :f :debug-topic-partitions, :value nil', { f: 'debug-topic-partitions', type: 'invoke' }],
    [':ok, :process 0, :f :debug-topic-partitions, :value {0 {:leader 1, :isr [1 2]}}', { f: 'debug-topic-partitions', type: 'ok' }],
    [':ok, :process 0, :f :debug-topic-partitions, :value ({:topic "t0"})', { f: 'debug-topic-partitions', type: 'ok' }],
  ])('is read where Jepsen has no keys in it: %s', (parts, expected) => {
    expect(parseEdn(`{:index 0, :time 1, :type ${parts}}`)).toEqual({ index: 0, time: 1, process: 0, value: [], ...expected })
  })

  it('keeps the keys of debug-topic-partitions', () => {
    expect(parseEdn('{:index 0, :time 1, :type :invoke, :process 0, :f :debug-topic-partitions, :value (4 5)}')).toMatchObject({ value: [4, 5] })
  })

  it.each(['assign', 'subscribe', 'poll', 'send', 'txn'])('refuses %s without a value', (f) => {
    expect(() => parseEdn(`{:index 0, :time 1, :type :invoke, :process 0, :f :${f}, :value nil}`)).toThrow('"value" is a list')
  })

  it('leaves out what no client did', () => {
    expect(parseEdn('{:index 0, :time 1, :type :info, :process :nemesis, :f :kill, :value nil}')).toBeUndefined()
  })

  it.each([
    '{:index 0',
    '{:index}',
    '[1 2]',
    '',
    '{:index 0} 1',
    '{:index "0',
    '{:error "\\q"}',
    '{:index 0, :time 0, :process 0, :type :maybe, :f :poll, :value []}',
  ])('refuses %s', (line) => {
    expect(() => parseEdn(line)).toThrow(expect.objectContaining({ name: 'HistoryError' }))
  })
})

describe('a line of JSON', () => {
  it.each([
    ['"index" is a whole number from 0, not -1', { index: -1 }],
    ['"process" is a whole number from 0, not "a"', { process: 'a' }],
    ['"f" is one of send, poll', { f: 'write' }],
    ['"value" is a list', { value: 3 }],
    ['["send",4] is no part of a txn', { value: [['send', 4]] }],
    ['["poll",{"4":[[0]]}] is no part of a txn', { value: [['poll', { 4: [[0]] }]] }],
    [
      'value 3 of key 4 was polled without an offset',
      {
        value: [
          [
            'poll',
            {
              4: [
                [0, 1],
                [null, 3],
              ],
            },
          ],
        ],
      },
    ],
    ['["poll",{"a":[]}] is no part of a txn', { value: [['poll', { a: [] }]] }],
    ['4 is no part of a txn', { value: [4] }],
    ['"node" is a whole number', { node: 'one' }],
    ['"seekToBeginning" is true or false', { seekToBeginning: 1 }],
    ['"rebalanceLog" is a list of {keys}', { rebalanceLog: [{ keys: ['a'] }] }],
    ['"partitions" is, by key, a map of leader', { partitions: { 4: { leader: 1, leaderEpoch: 2, replicas: [1] } } }],
  ])('is refused by what is wrong with it: %s', async (sentence, change) => {
    const path = join(folder, 'history.jsonl')
    writeFileSync(path, `${JSON.stringify({ ...sent, ...change })}\n`)
    await expect(whole(path)).rejects.toThrow(`line 1: ${sentence}`)
  })
})
