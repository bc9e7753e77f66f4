import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { RegisterReport } from '../../../chaos/check/registers.ts'
import { type RegisterEvent, RegisterWriter } from '../../../chaos/operations/register-file.ts'
import { judgeRegisterFile } from '../../../chaos/report/registers.ts'

let path = ''
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'oxbow-registers-')), 'registers.jsonl')
})
afterEach(() => rmSync(join(path, '..'), { recursive: true, force: true }))

const call = (id: number, f: 'read' | 'write', value: string | null, time: number, register = 'r'): RegisterEvent => ({
  type: 'call',
  id,
  register,
  f,
  value,
  time,
})
const ok = (id: number, value: string | null, time: number): RegisterEvent => ({ type: 'ok', id, value, time })

function judge(...events: readonly RegisterEvent[]): RegisterReport {
  const writer = new RegisterWriter(path)
  for (const event of events) writer.add(event)
  writer.close()
  return judgeRegisterFile(path)
}

it('no registers are none', () => {
  expect(judgeRegisterFile(path)).toEqual({ reads: 0, writes: 0, findings: [] })
})

it('a write that was acknowledged and is not read afterwards is a finding, of its register alone', () => {
  const events = [call(1, 'write', '5', 0), ok(1, '5', 10), call(2, 'read', null, 20), call(3, 'read', null, 21, 'other'), ok(3, null, 22), ok(2, null, 30)]
  const { reads, writes, findings } = judge(...events)
  expect([reads, writes]).toEqual([2, 1])
  expect(findings).toEqual(['r is not linearizable: no moment was found for the read of nothing, called at 0.020 s and answered at 0.030 s'])
})

it('what is not known may have happened, late, or not at all; what failed did not', () => {
  const write = [call(1, 'write', '5', 0), ok(1, '5', 10), call(2, 'write', '6', 11)]
  const later = [call(3, 'read', null, 20), ok(3, '5', 21), call(4, 'read', null, 30), ok(4, '6', 31)]
  expect(judge(...write, ...later).findings).toEqual([])
  rmSync(path)
  expect(judge(...write, { type: 'fail', id: 2 }, ...later).findings).toHaveLength(1)
})

it('many writes that nobody read, of which nothing is known, cost nothing', () => {
  const lost = Array.from({ length: 300 }, (_, at) => call(at, 'write', `${at}`, at))
  expect(judge(...lost, call(1_000, 'read', null, 400), ok(1_000, null, 401)).findings).toEqual([])
})

it('a guilty history with many writes that nobody answered and somebody read is a finding, as soon as any other', () => {
  const writes = Array.from({ length: 100 }, (_, at) => call(at, 'write', `${at}`, at))
  const reads = writes.flatMap((_, at) => [call(200 + at, 'read', null, 200 + 2 * at), ok(200 + at, `${at}`, 201 + 2 * at)])
  const stale = [call(900, 'read', null, 900), ok(900, '0', 901)]
  expect(judge(...writes, ...reads, ...stale).findings).toEqual([expect.stringContaining('for the read of 0, called at 0.900 s')])
})

it('thousands of operations one after the other are judged', () => {
  const events = Array.from({ length: 5_000 }, (_, at) => [call(at, 'write', `${at}`, 2 * at), ok(at, `${at}`, 2 * at + 1)]).flat()
  expect(judge(...events)).toEqual({ reads: 0, writes: 5_000, findings: [] })
})

it('a value that is written twice to a register is refused: nobody can say which write a read saw', () => {
  const write = (id: number, register: string): RegisterEvent[] => [call(id, 'write', '5', id, register), ok(id, '5', id)]
  expect(judge(...write(1, 'r'), ...write(2, 'other')).findings).toEqual([])
  rmSync(path)
  expect(() => judge(...write(1, 'r'), ...write(2, 'r'))).toThrow('r: "5" is written by the call at 1 and by the one at 2: give every write a value of its own')
})

it('what is no line of such a history is refused, by its number', () => {
  judge(call(1, 'write', '5', 0), ok(1, '5', 10))
  appendFileSync(path, '{"type":"ok","id":1}\n')
  expect(() => judgeRegisterFile(path)).toThrow(`${path}, line 3: nothing that a register does`)
})

it.each<[string, string, readonly RegisterEvent[]]>([
  ['a return without a call', 'id 1 returns what was never called', [ok(1, '5', 1)]],
  ['a second return', 'id 1 returns twice', [call(1, 'write', '5', 0), ok(1, '5', 1), { type: 'fail', id: 1 }]],
  ['a second call', 'id 1 is called twice', [call(1, 'write', '5', 0), call(1, 'write', '6', 1)]],
  ['a return before the call', 'id 1 is called at 3 and returns at 2', [call(1, 'read', null, 3), ok(1, null, 2)]],
  ['a write that returns another value', 'id 1 is called to write "5" and returns "6"', [call(1, 'write', '5', 0), ok(1, '6', 1)]],
])('%s is refused', (_, sentence, events) => {
  expect(() => judge(...events)).toThrow(expect.objectContaining({ name: 'HistoryError', message: expect.stringContaining(sentence) }))
})

it('a time that is no time is refused', () => {
  judge(call(1, 'write', '5', 0))
  appendFileSync(path, '{"type":"ok","id":1,"value":"5","time":1e999}\n')
  expect(() => judgeRegisterFile(path)).toThrow('line 2: nothing that a register does')
})

it('a line that was cut short is left out', () => {
  judge(call(1, 'write', '5', 0), ok(1, '5', 10))
  appendFileSync(path, '{"type":"ca')
  expect(judgeRegisterFile(path)).toMatchObject({ reads: 0, writes: 1, findings: [] })
  writeFileSync(path, '{"type":"ca')
  expect(judgeRegisterFile(path)).toMatchObject({ reads: 0, writes: 0, findings: [] })
})
