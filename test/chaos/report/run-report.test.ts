import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Availability } from '../../../chaos/live/availability.ts'
import type { ChaosRun } from '../../../chaos/live/chaos-run.ts'
import type { ChaosRunOptions } from '../../../chaos/live/run-options.ts'
import { chooseFaults, faults } from '../../../chaos/live/faults/catalogue.ts'
import { HistoryWriter, readHistory } from '../../../chaos/operations/history-file.ts'
import { RegisterWriter } from '../../../chaos/operations/register-file.ts'
import { writeRunFiles } from '../../../chaos/report/run-files.ts'
import { reportRun, type RunReport } from '../../../chaos/report/run-report.ts'
import { runText } from '../../../chaos/report/run-text.ts'
import { historyOf } from '../check/anomalies/case.ts'
import type { Script } from '../check/anomalies/script.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
let out = ''
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), 'oxbow-report-'))
  mkdirSync(join(out, 'logs'))
})
afterEach(() => rmSync(out, { recursive: true, force: true }))

function log(nodeId: number, ...lines: readonly (readonly [atMs: number, msg: string])[]): void {
  const texts = lines.map(([atMs, msg]) => JSON.stringify({ level: 'warn', time: new Date(START + atMs).toISOString(), node: nodeId, msg }))
  writeFileSync(join(out, 'logs', `node-${nodeId}.log`), `${texts.join('\n')}\n(node:1) Warning: not JSON\n{"level":"in`)
}

const valid = (s: Script): Script => s.send(0, 0, 1, 0).send(0, 0, 2, 1).assign(1, [0], { seekToBeginning: true })
const readBoth = (s: Script): unknown => {
  return valid(s).poll(1, {
    0: [
      [0, 1],
      [1, 2],
    ],
  })
}
const readOne = (s: Script): unknown => valid(s).poll(1, { 0: [[0, 1]] })

/** A history of one register: written and read, or not even that. */
function writeRegisters(isUsed: boolean): void {
  const writer = new RegisterWriter(join(out, 'registers.jsonl'))
  for (const [id, f] of isUsed ? (['write', 'read'] as const).entries() : []) {
    writer.add({ type: 'call', id, register: 'r', f, value: f === 'write' ? '1' : null, time: 2 * id })
    writer.add({ type: 'ok', id, value: '1', time: 2 * id + 1 })
  }
  writer.close()
}

async function report(script: (s: Script) => unknown, run: Partial<ChaosRun> = {}, options: Partial<ChaosRunOptions> = {}): Promise<RunReport> {
  const writer = new HistoryWriter(join(out, 'history.jsonl'))
  for (const { index: _, ...operation } of historyOf(script)) writer.add(operation)
  writer.close()
  if (!existsSync(join(out, 'registers.jsonl'))) writeRegisters(true)
  const availability = new Availability()
  availability.acknowledged(500)
  availability.acknowledged(1_900)
  availability.end(2_000)
  const settings = { faults: [], timeMs: 2_000, nodes: 3, rate: 10, seed: 1, out, producer: { acks: 'all' as const }, topicConfigs: {}, ...options }
  return await reportRun(settings, {
    startedAt: START,
    loadMs: 2_000,
    outcomes: { ok: 4, fail: 0, info: 0 },
    acknowledged: 2,
    lives: 0,
    faults: [],
    failures: [],
    deaths: [],
    availability,
    notHealed: undefined,
    stuck: [],
    hung: [],
    unread: [],
    copies: undefined,
    ...run,
  })
}

const cut = { name: 'partition-one', detail: 'node 1', hurt: [], renewed: [], fromMs: 400, toMs: 1_000, isSeen: true, observation: '3 messages were held' }

describe('the report of a run', () => {
  it('is valid where nothing is wrong, and tells of the faults', async () => {
    const good = await report(readBoth, { faults: [cut, { ...cut, fromMs: 1_500, toMs: 1_600 }] }, { faults })
    expect(good).toMatchObject({ conclusion: 'valid', findings: [], doubts: [], availability: 1, worstGapMs: 1_400 })
    expect(good.faults).toEqual([{ name: 'partition-one', times: 2, seconds: 0.7, worstGapMs: 1_400 }])
    const text = runText(good)
    expect(text).toMatch(/^Verdict: {6}valid\n/)
    expect(text).toContain('100.0 % of the seconds')
    expect(text).toContain('0.4 s to     1.0 s  partition-one: node 1; 3 messages were held')
  })

  it('shows what the nodes logged around an anomaly', async () => {
    log(1, [-5_000, 'listening'], [1, 'a leader was elected'])
    log(2, [0, 'a cut'], [90_000, 'much later'])
    const bad = await report(readOne)
    expect(bad.conclusion).toBe('anomalies')
    expect(bad.logLines.get('unseen')?.map((lines) => lines.map(({ nodeId, message }) => [nodeId, message]))).toEqual([
      [
        [2, 'a cut'],
        [1, 'a leader was elected'],
      ],
    ])
    expect(runText(bad)).toContain('What the nodes logged around unseen, example 1:\n  2026-01-01T00:00:00.000Z node 2 warn: a cut\n')
  })

  it('shows how a partition stood in the end of which something is missing', async () => {
    const state = { leader: 3, leaderEpoch: 5, replicas: [1, 2, 3], isr: [3] }
    const bad = await report((s) => {
      readOne(s)
      for (const leader of [2, 3]) s.begin(1, 'debug-topic-partitions', [0, 1])('ok', [0, 1], { partitions: { 0: { ...state, leader } } })
    })
    expect(bad.check.anomalies[0]?.examples[0]?.partition).toEqual(state)
    expect(runText(bad)).toContain('\n    in the end: leader 3, epoch 5, replicas 1,2,3, in sync 3\n')
  })

  it.each<[string, Partial<ChaosRun>, string]>([
    [
      'a node that ended by itself, again and again',
      { deaths: Array.from({ length: 3 }, () => ({ nodeId: 2, end: '1', lastLine: 'so it is' })) },
      'node 2 ended by itself (1): so it is (3 times)',
    ],
    ['a node that ended by itself', { deaths: [{ nodeId: 2, end: '1', lastLine: 'so it is' }] }, 'node 2 ended by itself (1): so it is'],
    ['a cluster that does not heal', { notHealed: '3 brokers are alive: not within 60000 ms' }, 'the cluster did not heal: 3 brokers'],
    [
      'damage that nobody did',
      { copies: { read: 8, damaged: 1, missing: [], unexplained: ['t0-1 on node 2: it is'] } },
      'copies are damaged, and no fault did that: t0-1 on node 2: it is',
    ],
    ['what it does not recover from', { stuck: ['what wipe did did not pass: every node votes'] }, 'the cluster did not recover: what wipe did did not pass'],
    ['clients that hang', { hung: ['reading everything: not within 70 s'] }, 'clients never came to an end, and not everything was read: reading everything'],
    ['what cannot be read', { unread: ['t4-1', 't5-0'] }, 'in the end not everything that was acknowledged or seen could be read: t4-1, t5-0'],
  ])('is guilty of %s', async (_, run, sentence) => {
    const bad = await report(readBoth, run)
    expect(bad).toMatchObject({ conclusion: 'anomalies', findings: [expect.stringContaining(sentence)] })
    expect(runText(bad)).toContain(`Verdict:      NOT VALID\n              ${bad.findings[0]}\n`)
  })

  it('is guilty of a node that logged why it ended', async () => {
    log(3, [5, 'fatal: the high watermark never goes back'])
    expect(await report(readBoth)).toMatchObject({ conclusion: 'anomalies', findings: ['node 3 logged fatal: the high watermark never goes back'] })
  })

  it.each<[string, Partial<ChaosRun>, Partial<ChaosRunOptions>, string]>([
    ['a fault that did not take', { faults: [cut], failures: ['kill could not be injected: no'] }, { faults }, 'kill could not be injected: no'],
    ['no fault at all', {}, { faults }, 'no fault was injected'],
    [
      'a fault that had no turn',
      { faults: [cut] },
      { faults: chooseFaults('partition-one,kill,network', 3) },
      'never in force: kill; with more time each has its turn',
    ],
    [
      'copies that nobody looked at',
      { copies: { read: 8, damaged: 0, missing: ['t0-1: 0 of 3', 't2-0: 2 of 3'], unexplained: [] } },
      {},
      'not every replica was found on a disk: t0-1: 0 of 3, t2-0: 2 of 3',
    ],
    [
      'disks that lose nothing',
      { faults: ['power-loss', 'pause-kill'].map((name) => ({ ...cut, name, unsyncedBytes: 0 })) },
      {},
      'power-loss, pause-kill took nothing: whenever the power went, all was synced',
    ],
    ['few acknowledgements', { acknowledged: 1 }, {}, 'only 1 sends were acknowledged in 2 s'],
  ])('is inconclusive by %s', async (_, run, options, sentence) => {
    const open = await report(readBoth, run, options)
    expect(open).toMatchObject({ conclusion: 'inconclusive', doubts: [sentence] })
    expect(runText(open)).toContain(`Verdict:      inconclusive\n              ${sentence}\n`)
  })

  it('is not in doubt of disks that lost something once', async () => {
    expect(await report(readBoth, { faults: [0, 5].map((unsyncedBytes) => ({ ...cut, name: 'power-loss', unsyncedBytes })) })).toMatchObject({ doubts: [] })
  })

  it('is inconclusive by registers that nobody used', async () => {
    writeRegisters(false)
    expect(await report(readBoth)).toMatchObject({
      conclusion: 'inconclusive',
      doubts: ['registers were read 0 times and written 0 times: that shows nothing'],
    })
  })

  it('is written beside the history, which is there for Jepsen too', async () => {
    const bad = await report(readOne)
    await writeRunFiles(out, bad)
    expect(readFileSync(join(out, 'summary.txt'), 'utf8')).toBe(runText(bad))
    expect(JSON.parse(readFileSync(join(out, 'verdict.json'), 'utf8'))).toMatchObject({ verdict: 'anomalies', check: { verdict: 'anomalies' }, logLines: {} })
    const [json, edn] = [[], []] as [unknown[], unknown[]]
    for await (const one of readHistory(join(out, 'history.jsonl'))) json.push(one)
    for await (const one of readHistory(join(out, 'history.edn'))) edn.push(one)
    expect(edn).toEqual(json)
  })

  it('says how many copies on disks were looked at, and leaves them out of what is for Jepsen', async () => {
    const good = await report(
      (s) => {
        readBoth(s)
        const both = [
          [0, 1],
          [1, 2],
        ] as const
        s.poll(1_000_000_001, { 0: both }, 'ok', { node: 1 })
      },
      { copies: { read: 3, damaged: 1, missing: [], unexplained: [] } },
    )
    expect(runText(good)).toContain('Disks:        3 copies of partitions were read whole on the disks of their nodes, and 1 up to where they are damaged')
    expect(runText({ ...good, copies: undefined })).not.toContain('Disks:')
    await writeRunFiles(out, good)
    const edn = readFileSync(join(out, 'history.edn'), 'utf8')
    expect(edn).toContain(':f :poll')
    expect(edn).not.toContain(':node')
  })
})
