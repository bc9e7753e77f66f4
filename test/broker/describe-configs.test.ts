import { describe, expect, it } from 'vitest'
import { topicConfigRows } from '../../src/base/topic-configs.ts'
import { describeConfigs } from '../../src/broker/describe-configs.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { emptyImage } from '../../src/metadata/image.ts'
import type { ConfigEntry, ConfigSource } from '../../src/wire/api.ts'
import { story, topicId } from '../metadata/fixtures.ts'

function nodeEntry(name: string, value: string | null, source: ConfigSource): ConfigEntry {
  return { name, value, defaultValue: '0', source, unit: 'ms', doc: 'x', readOnly: true }
}

const nodeEntries = [
  nodeEntry('log.retention.ms', '1000', 'STATIC_BROKER_CONFIG'),
  nodeEntry('log.roll.ms', '604800000', 'DEFAULT_CONFIG'),
  nodeEntry('min.insync.replicas', null, 'DEFAULT_CONFIG'),
]

function describeTopic(configs: Record<string, string>): ReadonlyMap<string, ConfigEntry> {
  const records = Object.entries(configs).map(([key, value]) => ({ type: 'topicConfig', topicId: topicId(1), key, value }) as const)
  const { image } = applyEntries(emptyImage, [...story, { offset: story.length, records }])
  const { resources } = describeConfigs({ image, nodeId: 1, nodeEntries }, { topics: ['orders'], brokers: [] })
  expect(resources.map(({ type, name }) => [type, name])).toEqual([['topic', 'orders']])
  return new Map(resources[0]?.entries.map((entry) => [entry.name, entry]))
}

describe('describeConfigs', () => {
  it("every config of a topic: its own value, else what the node's cluster file says, else the default", () => {
    const entries = describeTopic({ 'segment.bytes': '1000000', 'segment.ms': '5' })
    expect([...entries.keys()]).toEqual(topicConfigRows.map(({ key }) => key))
    expect(entries.get('segment.bytes')).toMatchObject({
      value: '1000000',
      defaultValue: '536870912',
      source: 'DYNAMIC_TOPIC_CONFIG',
      unit: 'bytes',
      readOnly: false,
    })
    expect(entries.get('segment.ms')).toMatchObject({ value: '5', defaultValue: '604800000', source: 'DYNAMIC_TOPIC_CONFIG' })
    expect(entries.get('retention.ms')).toMatchObject({ value: '1000', defaultValue: '1000', source: 'STATIC_BROKER_CONFIG' })
    expect(entries.get('retention.bytes')).toMatchObject({ value: '-1', defaultValue: '-1', source: 'DEFAULT_CONFIG', unit: 'bytes' })
    expect(entries.get('message.timestamp.type')).toMatchObject({ value: 'CreateTime', source: 'DEFAULT_CONFIG', unit: null })
    for (const { key, doc } of topicConfigRows) expect(entries.get(key)?.doc).toBe(doc)
  })

  it("R1.1: min.insync.replicas is the law's for two replicas, whatever this node's cluster file says: the topic alone decides", () => {
    expect(describeTopic({}).get('min.insync.replicas')).toMatchObject({ value: '2', defaultValue: '2', source: 'DEFAULT_CONFIG' })
    expect(describeTopic({ 'min.insync.replicas': '1' }).get('min.insync.replicas')).toMatchObject({
      value: '1',
      defaultValue: '2',
      source: 'DYNAMIC_TOPIC_CONFIG',
    })
  })

  it('a broker only by itself, and no topic that is not there', () => {
    const { image } = applyEntries(emptyImage, story)
    const context = { image, nodeId: 1, nodeEntries }
    expect(describeConfigs(context, { topics: [], brokers: [1] }).resources).toEqual([{ type: 'broker', name: '1', entries: nodeEntries }])
    expect(() => describeConfigs(context, { topics: [], brokers: [2] })).toThrow(/INVALID_REQUEST: this is node 1/)
    expect(() => describeConfigs(context, { topics: ['nothing'], brokers: [] })).toThrow(/UNKNOWN_TOPIC_OR_PARTITION/)
  })
})
