import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { topicConfigHelp, topicConfigMarkdown } from '../../src/base/topic-config-doc.ts'
import { defaultTopicConfig, findTopicConfig, topicConfig, topicConfigRows } from '../../src/base/topic-configs.ts'
import { configKeys } from '../../src/node/config-keys.ts'

/** Kafka 4's, but for min.insync.replicas (the law's, rules R1.1) and segment.bytes (rules 8). */
const defaults: Readonly<Record<string, number | string | null>> = {
  'min.insync.replicas': null,
  'max.message.bytes': 1_048_588,
  'segment.bytes': 536_870_912,
  'segment.ms': 604_800_000,
  'retention.ms': 604_800_000,
  'retention.bytes': -1,
  'message.timestamp.type': 'CreateTime',
  'message.timestamp.before.max.ms': Number.MAX_SAFE_INTEGER,
  'message.timestamp.after.max.ms': 3_600_000,
  'cleanup.policy': 'delete',
  'compression.type': 'producer',
  'unclean.leader.election.enable': 'false',
}

describe('the table of topic configs', () => {
  it('has each key once, with the default of Kafka', () => {
    expect(Object.fromEntries(topicConfigRows.map((row) => [row.key, row.default]))).toEqual(defaults)
    expect(topicConfigRows.length).toBe(Object.keys(defaults).length)
  })

  it.each(topicConfigRows)('$key: its default is one of its values, and its meaning is a sentence', (row) => {
    if (row.type === 'enum') expect(row.values).toContain(row.default)
    else if (row.default !== null) expect(row.default >= row.min && (row.max === null || row.default <= row.max)).toBe(true)
    expect(row.doc).toMatch(/^[A-Z].*\.$/)
    expect(findTopicConfig(row.key)).toBe(row)
  })

  it.each(topicConfigRows.filter((row) => row.brokerKey !== null))(
    '$key: the key of the cluster file that stands for it is one, with the same default',
    (row) => {
      const key = configKeys.find(({ names }) => names[0] === row.brokerKey)
      expect(key?.default).toBe(row.default)
    },
  )

  it('a value is a number or a word; the law gives min.insync.replicas by the replication factor', () => {
    const configs = new Map([
      ['retention.ms', '-1'],
      ['message.timestamp.type', 'LogAppendTime'],
    ])
    const retentionMs: number | undefined = topicConfig(configs, 'retention.ms')
    const timestampType: 'CreateTime' | 'LogAppendTime' | undefined = topicConfig(configs, 'message.timestamp.type')
    expect([retentionMs, timestampType, topicConfig(configs, 'segment.ms')]).toEqual([-1, 'LogAppendTime', undefined])
    expect([1, 2, 3, 4, 5].map((factor) => defaultTopicConfig('min.insync.replicas', factor))).toEqual([1, 2, 2, 3, 3])
    expect(defaultTopicConfig('cleanup.policy', 3)).toBe('delete')
  })
})

describe('what is made from it', () => {
  it('docs/configuration.md is fresh (made anew by: npm run build && node scripts/docs.mjs)', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8')
    const section = /<!-- topic configs -->\n([\s\S]*?)\n<!-- end of topic configs -->/.exec(page)?.[1]
    expect(section).toBe(topicConfigMarkdown())
  })

  it('--help names every config with its values and its default, in lines that a terminal holds', () => {
    const lines = topicConfigHelp().split('\n').slice(1)
    expect(lines.map((line) => line.trim().split(' ')[0])).toEqual(topicConfigRows.map(({ key }) => key))
    expect(lines).toContain('  min.insync.replicas              1 to RF count; default floor(RF/2)+1')
    expect(lines).toContain('  retention.ms                     -1 or more ms; default 604800000')
    expect(lines).toContain('  message.timestamp.type           CreateTime, LogAppendTime; default CreateTime')
    for (const line of lines) expect(line.length).toBeLessThan(100)
  })
})
