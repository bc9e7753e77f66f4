import { BrokerError } from '../base/errors.ts'
import { ProtoReader } from '../wire/proto-reader.ts'
import { ProtoWriter } from '../wire/proto-writer.ts'

/** Tags (field number × 8 + wire type) of google/protobuf/descriptor.proto. */
const FILE_MESSAGE_TYPE = 34
const MESSAGE_NAME = 10
const MESSAGE_FIELD = 18
const MESSAGE_NESTED_TYPE = 26
const MESSAGE_OPTIONS = 58
const FIELD_TYPE_NAME = 50
const OPTIONS_MAP_ENTRY = 56

interface RawField {
  readonly tag: number
  readonly value: Buffer | number
}

/**
 * A FileDescriptorProto with the names of map entries as protobuf demands them. protobufjs calls the implicit type of a map field `labels`
 * "Labels"; it has to be "LabelsEntry", and the libraries of Go and C++ refuse the whole file otherwise.
 */
export function nameMapEntries(file: Buffer): Buffer {
  return changed(file, (field) => (field.tag === FILE_MESSAGE_TYPE ? { ...field, value: nameInMessage(field.value as Buffer) } : field))
}

function nameInMessage(message: Buffer): Buffer {
  const nested = fieldsOf(message).filter(({ tag }) => tag === MESSAGE_NESTED_TYPE)
  const entries = new Set(nested.flatMap(({ value }) => (isMapEntry(value as Buffer) ? [nameOf(value as Buffer)] : [])))
  return changed(message, (field) => {
    const value = field.value as Buffer
    if (field.tag === MESSAGE_FIELD) {
      const name = nameOf(value)
      const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
      return entries.has(type) ? { ...field, value: renamed(value, FIELD_TYPE_NAME, type) } : field
    }
    if (field.tag !== MESSAGE_NESTED_TYPE) return field
    return { ...field, value: isMapEntry(value) ? renamed(value, MESSAGE_NAME, nameOf(value)) : nameInMessage(value) }
  })
}

/** With the map entry's name in place of `from`, in the fields of this tag. */
function renamed(message: Buffer, tag: number, from: string): Buffer {
  return changed(message, (field) => (field.tag === tag && String(field.value) === from ? { tag, value: Buffer.from(entryName(from)) } : field))
}

/** `Per_topic` becomes `PerTopicEntry`. */
function entryName(name: string): string {
  return `${name.replace(/_+(.)/g, (_match, letter: string) => letter.toUpperCase())}Entry`
}

function nameOf(message: Buffer): string {
  return String(fieldsOf(message).find(({ tag }) => tag === MESSAGE_NAME)?.value)
}

function isMapEntry(message: Buffer): boolean {
  const options = fieldsOf(message).find(({ tag }) => tag === MESSAGE_OPTIONS)
  return options !== undefined && fieldsOf(options.value as Buffer).some(({ tag, value }) => tag === OPTIONS_MAP_ENTRY && value === 1)
}

function changed(message: Buffer, change: (field: RawField) => RawField): Buffer {
  const writer = new ProtoWriter()
  for (const { tag, value } of fieldsOf(message).map(change)) {
    writer.tag(tag)
    if (typeof value === 'number') writer.int(value)
    else writer.bytes(value)
  }
  return writer.finish().toBuffer()
}

function fieldsOf(message: Buffer): RawField[] {
  const reader = new ProtoReader(message)
  const fields: RawField[] = []
  while (reader.more) {
    const tag = reader.tag()
    const wireType = tag % 8
    if (wireType !== 0 && wireType !== 2) throw new BrokerError('INVALID_REQUEST', `a descriptor with wire type ${wireType}`)
    fields.push({ tag, value: wireType === 0 ? reader.int64() : reader.bytes() })
  }
  return fields
}
