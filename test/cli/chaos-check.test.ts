import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HistoryWriter } from '../../chaos/operations/history-file.ts'
import { historyOf } from '../chaos/check/anomalies/case.ts'
import type { Script } from '../chaos/check/anomalies/script.ts'
import { oxbow } from './harness.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-check-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, script: (script: Script) => unknown): string {
  const path = join(folder, name)
  const writer = new HistoryWriter(path)
  for (const { index: _, ...operation } of historyOf(script)) writer.add(operation)
  writer.close()
  return path
}

/** Value 3 of key 0 was acknowledged and is passed over by who reads it all; on key 1 there is nothing to find. */
function lost(s: Script): void {
  for (let value = 1; value <= 6; value++) s.send(0, 0, value, value - 1)
  s.send(0, 1, 1, 0, 'fail')
  const pairs = [1, 2, 4, 5, 6].map((value): [number, number] => [value - 1, value])
  s.assign(1, [0], { seekToBeginning: true }).poll(1, { 0: pairs })
}

describe.each(['history.jsonl', 'history.edn'])('oxbow chaos check %s', (name) => {
  it('shows an anomaly with the operations around it, and exits 1', async () => {
    const path = write(name, lost)
    const { code, stdout } = await oxbow(['chaos', 'check', path])
    expect(code).toBe(1)
    const lines = stdout.split('\n')
    expect(lines.slice(0, 4)).toEqual([
      `History:    ${path}`,
      'Profile:    oxbow',
      'Operations: 8 ok, 1 failed, 0 unknown',
      'Verdict:    NOT VALID: lost-write, unseen, int-poll-skip',
    ])
    const at = lines.indexOf('lost-write: 1 found')
    expect(lines.slice(at + 1, at + 8)).toEqual([
      '  key 0: value 3 was acknowledged at offset 2 and never polled; offset 5 was',
      '           1     0.001 s process 0   ok     send   [["send",0,[0,1]]]',
      '           3     0.003 s process 0   ok     send   [["send",0,[1,2]]]',
      '  >        4     0.004 s process 0   invoke send   [["send",0,3]]',
      '  >        5     0.005 s process 0   ok     send   [["send",0,[2,3]]]',
      '           7     0.007 s process 0   ok     send   [["send",0,[3,4]]]',
      '           9     0.009 s process 0   ok     send   [["send",0,[4,5]]]',
    ])
  })

  it('says the same in JSON', async () => {
    const path = write(name, lost)
    const { code, stdout } = await oxbow(['chaos', 'check', path, '-o', 'json'])
    expect(code).toBe(1)
    const report = JSON.parse(stdout) as Record<string, unknown>
    expect(report).toMatchObject({ history: path, profile: 'oxbow', verdict: 'anomalies', doubts: [], operations: { ok: 8, fail: 1, info: 0 } })
    expect(Object.keys(report)).toEqual(['history', 'profile', 'verdict', 'doubts', 'operations', 'anomalies'])
    const [first] = report.anomalies as { examples: { operations: unknown[] }[] }[]
    expect(first).toMatchObject({ name: 'lost-write', count: 1, allowed: false, examples: [{ key: 0, sentence: expect.stringContaining('value 3') }] })
    expect(first?.examples[0]?.operations[2]).toEqual({
      index: 4,
      time: 4_000_000,
      process: 0,
      type: 'invoke',
      f: 'send',
      value: [['send', 0, 3]],
      concerned: true,
    })
  })

  it('exits 0 when nothing is wrong, and 4 when that proves nothing', async () => {
    const valid = await oxbow(['chaos', 'check', write(name, (s) => s.send(0, 0, 1, 0).poll(1, { 0: [[0, 1]] }))])
    expect(valid).toMatchObject({ code: 0, stdout: expect.stringContaining('Verdict:    valid\n') })
    const empty = await oxbow(['chaos', 'check', write(`empty-${name}`, (s) => s.send(0, 0, 1, 0))])
    expect(empty).toMatchObject({ code: 4, stdout: expect.stringContaining('Verdict:    inconclusive: no poll returned anything; ') })
  })
})

describe('oxbow chaos check', () => {
  it('writes a copy for Jepsen, of a run that was killed too, and overwrites nothing', async () => {
    const path = write('history.jsonl', lost)
    appendFileSync(path, '{"index":18,"ti')
    const edn = join(folder, 'copy.edn')
    const first = await oxbow(['chaos', 'check', path, '--edn', edn])
    expect(first.code).toBe(1)
    expect(readFileSync(edn, 'utf8').split('\n')[0]).toMatch(/^\{:index 0,? .*:f :send/)
    const again = await oxbow(['chaos', 'check', edn])
    expect(again.stdout.split('\n').slice(1)).toEqual(first.stdout.split('\n').slice(1))
    const { code, stderr } = await oxbow(['chaos', 'check', path, '--edn', edn])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(`there is a file at ${edn} already`) })
  })

  it.each([
    ['a name that does not end in .edn', 'copy.clj', 'is no name for a copy'],
    ['a folder that is not there', join('none', 'copy.edn'), 'cannot be written'],
    ['a folder that is a file', join('history.jsonl', 'copy.edn'), 'cannot be written'],
  ])('refuses a copy at %s, and names that', async (_, name, sentence) => {
    const path = write('history.jsonl', lost)
    const edn = join(folder, name)
    const { code, stdout, stderr } = await oxbow(['chaos', 'check', path, '--edn', edn])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(`error: USAGE: ${edn} ${sentence}`)
    expect(readdirSync(folder)).toEqual(['history.jsonl'])
  })

  it('judges by a profile', async () => {
    const path = write('history.jsonl', (s) => {
      const parts = [
        ['send', 0, [0, 1]],
        ['send', 0, [2, 3]],
      ] as const
      const end = s.begin(0, 'txn', parts)
      s.send(1, 0, 2, 1)
      end('ok', parts)
      s.poll(2, {
        0: [
          [0, 1],
          [1, 2],
          [2, 3],
        ],
      })
    })
    expect(await oxbow(['chaos', 'check', path])).toMatchObject({ code: 1 })
    const kafka = await oxbow(['chaos', 'check', path, '--profile', 'kafka'])
    expect(kafka).toMatchObject({ code: 0, stdout: expect.stringContaining('int-send-skip: 1 found (allowed by the profile)') })
  })

  it('shows few of many, and little of what is long', async () => {
    const path = write('history.jsonl', (s) => {
      for (let value = 1; value <= 5; value++) s.send(0, 0, value, undefined, 'fail')
      s.poll(1, { 0: Array.from({ length: 5 }, (_, at): [number, number] => [at, at + 1]) })
      s.send(0, 1, 100, 0).poll(1, { 1: [[0, 100]] })
      s.poll(2, { 1: Array.from({ length: 60 }, (_, at): [number, number] => [at, at + 100]) })
    })
    const { stdout } = await oxbow(['chaos', 'check', path])
    expect(stdout).toContain('G1a: 5 found, 3 shown')
    expect(stdout).toContain('unexpected-read: 59 found, 3 shown')
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThan(240)
  })

  it.each([
    ['no file', undefined, 'there is no file at'],
    ['not a history', '{"a":1}\n', 'line 1: "index" is a whole number from 0, not undefined'],
    [
      'one that makes no sense',
      '{"index":0,"time":0,"process":0,"type":"ok","f":"send","value":[["send",0,[0,1]]]}\n{"index":1,"time":0,"process":1,"type":"invoke","f":"poll","value":[["poll"]]}\n',
      'process 0 ends at 0 what it never began',
    ],
  ])('refuses %s', async (_, text, sentence) => {
    const path = join(folder, 'history.jsonl')
    if (text !== undefined) writeFileSync(path, text)
    const { code, stderr, stdout } = await oxbow(['chaos', 'check', path])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(`error: USAGE: `)
    expect(stderr).toContain(sentence)
  })
})

it('oxbow chaos check judges the registers of a run, too', async () => {
  const path = join(folder, 'registers.jsonl')
  const event = (more: object): string => `${JSON.stringify({ id: 1, time: 0, ...more })}\n`
  const write1 = event({ type: 'call', register: 'r', f: 'write', value: '5' }) + event({ type: 'ok', value: '5' })
  const read2 = event({ type: 'call', id: 2, register: 'r', f: 'read', value: null, time: 1 }) + event({ type: 'ok', id: 2, value: '5', time: 2 })
  writeFileSync(path, write1 + read2)
  expect(await oxbow(['chaos', 'check', path])).toMatchObject({
    code: 0,
    stdout: `History:    ${path}\nOperations: 1 reads and 1 writes of registers\nVerdict:    valid\n`,
  })
  const nothing = join(folder, 'used-by-nobody', 'registers.jsonl')
  mkdirSync(dirname(nothing))
  writeFileSync(nothing, `${write1.split('\n')[0]}\n`)
  expect(await oxbow(['chaos', 'check', nothing])).toMatchObject({ code: 4, stdout: expect.stringContaining('Verdict:    inconclusive') })
  writeFileSync(path, write1 + read2.replace('"value":"5"', '"value":"4"'))
  const { code, stdout } = await oxbow(['chaos', 'check', path, '-o', 'json'])
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ history: path, reads: 1, writes: 1, findings: [expect.stringContaining('r is not linearizable')] })
})
