import { describe, expect, it } from 'vitest'
import protobuf from 'protobufjs'
import descriptor from 'protobufjs/ext/descriptor/index.js'
import { nameMapEntries } from '../../src/grpc/map-entries.ts'

interface MessageType {
  readonly name: string
  readonly field: readonly { readonly name: string; readonly typeName?: string }[]
  readonly nestedType: readonly MessageType[]
}

function described(source: string): readonly MessageType[] {
  const { root } = protobuf.parse(source, { keepCase: true })
  root.resolveAll()
  const set = (root as unknown as { toDescriptor(syntax: string): { file: object[] } }).toDescriptor('proto3')
  const file = set.file.find((one) => (one as { messageType?: unknown[] }).messageType?.length) as object
  const bytes = Buffer.from(descriptor.FileDescriptorProto.encode(file).finish())
  const read = descriptor.FileDescriptorProto.decode(nameMapEntries(bytes)) as unknown as { messageType: readonly MessageType[] }
  return read.messageType
}

describe('map entries in a file descriptor', () => {
  it('are named as protobuf demands, with the fields that refer to them, at every depth; nothing else is', () => {
    const [outer, labels] = described(`
      syntax = "proto3";
      package p;
      message Outer {
        map<string, string> labels = 1;
        map<string, Labels> per_topic = 2;
        Labels plain = 3;
        message Inner { map<int32, bytes> deep = 1; }
        Inner inner = 4;
      }
      message Labels { string name = 1; }
    `)
    expect(outer?.nestedType.map(({ name }) => name).sort()).toEqual(['Inner', 'LabelsEntry', 'PerTopicEntry'])
    expect(outer?.field.map(({ name, typeName }) => [name, typeName?.split('.').at(-1)])).toEqual([
      ['labels', 'LabelsEntry'],
      ['per_topic', 'PerTopicEntry'],
      ['plain', 'Labels'],
      ['inner', 'Inner'],
    ])
    expect(outer?.nestedType.find(({ name }) => name === 'Inner')?.nestedType.map(({ name }) => name)).toEqual(['DeepEntry'])
    expect(labels?.name).toBe('Labels')
  })
})
