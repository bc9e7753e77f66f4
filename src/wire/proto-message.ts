import { BrokerError } from '../base/errors.ts'
import type { Uuid } from '../base/ids.ts'
import type { GatheredMessage } from './gathered.ts'
import { ProtoReader } from './proto-reader.ts'
import { ProtoWriter } from './proto-writer.ts'

/** How the content of one message is written and read, without its own tag and length. */
export interface Codec<T> {
  write(writer: ProtoWriter, value: T): void
  /** Reads while `reader.more`. Throws INVALID_REQUEST. */
  read(reader: ProtoReader): T
}

/** One field of a message. `tags`: the wire tags it is known by. */
export interface Field<T> {
  readonly tags: readonly number[]
  /** Writes tag and value; nothing where proto3 leaves the default out. */
  write(writer: ProtoWriter, value: T): void
  read(reader: ProtoReader, previous: T | undefined, tag: number): T
  /** The value of a field that did not come. Throws INVALID_REQUEST where one must. */
  absent(): T
}

const VARINT = 0
const BYTES = 2

function tagOf(number: number, wireType: 0 | 2): number {
  return number * 8 + wireType
}

/** A whole message of its own. */
export function encode<T>(codec: Codec<T>, value: T): GatheredMessage {
  const writer = new ProtoWriter()
  codec.write(writer, value)
  return writer.finish()
}

/** `maxElements`: see ProtoReader; for messages that come from clients. */
export function decode<T>(codec: Codec<T>, bytes: Buffer, maxElements?: number): T {
  return codec.read(new ProtoReader(bytes, maxElements))
}

/** A message out of its fields, named as in T. A field that comes twice: the last one counts. Unknown fields are passed over. */
export function message<T extends object>(fields: { readonly [K in keyof T]-?: Field<T[K]> }): Codec<T> {
  const names = Object.keys(fields) as (keyof T & string)[]
  const list = names.map((name) => fields[name] as Field<unknown>)
  const byTag = new Map<number, number>()
  list.forEach((field, index) => {
    for (const tag of field.tags) byTag.set(tag, index)
  })
  return {
    write(writer, value) {
      for (let index = 0; index < list.length; index++) (list[index] as Field<unknown>).write(writer, value[names[index] as keyof T])
    },
    read(reader) {
      const values: unknown[] = new Array(list.length)
      while (reader.more) {
        const tag = reader.tag()
        const index = byTag.get(tag)
        if (index === undefined) reader.skip(tag)
        else values[index] = (list[index] as Field<unknown>).read(reader, values[index], tag)
      }
      const result: Record<string, unknown> = {}
      for (let index = 0; index < list.length; index++) result[names[index] as string] = values[index] ?? (list[index] as Field<unknown>).absent()
      return result as T
    },
  }
}

type Variants<T extends { readonly type: string }> = {
  readonly [K in T['type']]: readonly [number: number, codec: Codec<Omit<Extract<T, { readonly type: K }>, 'type'>>]
}

/** A union on `type` as a message with one oneof. A variant that is not known is refused, never guessed around. */
export function union<T extends { readonly type: string }>(name: string, variants: Variants<T>): Codec<T> {
  const entries = Object.entries(variants) as unknown as [string, readonly [number, Codec<object>]][]
  const byType = new Map(entries.map(([type, [number, codec]]) => [type, { tag: tagOf(number, BYTES), codec }]))
  const byTag = new Map(entries.map(([type, [number, codec]]) => [tagOf(number, BYTES), { type, codec }]))
  return {
    write(writer, value) {
      const variant = byType.get(value.type)
      if (variant === undefined) throw new BrokerError('INVALID_REQUEST', `${name} has no variant ${value.type}`)
      writer.tag(variant.tag)
      const mark = writer.begin()
      variant.codec.write(writer, value)
      writer.end(mark)
    },
    read(reader) {
      let result: T | undefined
      while (reader.more) {
        const tag = reader.tag()
        const variant = byTag.get(tag)
        if (variant === undefined) reader.skip(tag)
        else result = { type: variant.type, ...reader.nested((inner) => variant.codec.read(inner)) } as unknown as T
      }
      if (result === undefined) throw new BrokerError('INVALID_REQUEST', `malformed message: ${name} without a variant known here`)
      return result
    },
  }
}

interface Scalar<T> {
  readonly wireType: 0 | 2
  readonly zero: T
  write(writer: ProtoWriter, value: T): void
  read(reader: ProtoReader): T
}

const int32Scalar: Scalar<number> = { wireType: VARINT, zero: 0, write: (writer, value) => writer.int(value), read: (reader) => reader.int32() }
const int64Scalar: Scalar<number> = { wireType: VARINT, zero: 0, write: (writer, value) => writer.int(value), read: (reader) => reader.int64() }
const sint32Scalar: Scalar<number> = { wireType: VARINT, zero: 0, write: (writer, value) => writer.sint(value), read: (reader) => reader.sint32() }
const sint64Scalar: Scalar<number> = { wireType: VARINT, zero: 0, write: (writer, value) => writer.sint(value), read: (reader) => reader.sint64() }
const booleanScalar: Scalar<boolean> = { wireType: VARINT, zero: false, write: (writer, value) => writer.boolean(value), read: (reader) => reader.boolean() }
const stringScalar: Scalar<string> = { wireType: BYTES, zero: '', write: (writer, value) => writer.string(value), read: (reader) => reader.string() }

function scalar<T>(number: number, kind: Scalar<T>): Field<T> {
  const tag = tagOf(number, kind.wireType)
  return {
    tags: [tag],
    write(writer, value) {
      if (value === kind.zero) return
      writer.tag(tag)
      kind.write(writer, value)
    },
    read: (reader) => kind.read(reader),
    absent: () => kind.zero,
  }
}

export const int32 = (number: number): Field<number> => scalar(number, int32Scalar)
export const int64 = (number: number): Field<number> => scalar(number, int64Scalar)
export const sint32 = (number: number): Field<number> => scalar(number, sint32Scalar)
export const sint64 = (number: number): Field<number> => scalar(number, sint64Scalar)
export const boolean = (number: number): Field<boolean> => scalar(number, booleanScalar)
export const string = (number: number): Field<string> => scalar(number, stringScalar)

function orNull<T>(number: number, kind: Scalar<T>): Field<T | null> {
  const tag = tagOf(number, kind.wireType)
  return {
    tags: [tag],
    write(writer, value) {
      if (value === null) return
      writer.tag(tag)
      kind.write(writer, value)
    },
    read: (reader) => kind.read(reader),
    absent: () => null,
  }
}

/** proto3 `optional`: absent is null, zero is zero. */
export const int32OrNull = (number: number): Field<number | null> => orNull(number, int32Scalar)
export const stringOrNull = (number: number): Field<string | null> => orNull(number, stringScalar)

export const sint32OrNull = (number: number): Field<number | null> => orNull(number, sint32Scalar)
export const int64OrNull = (number: number): Field<number | null> => orNull(number, int64Scalar)

const bytesScalar: Scalar<Buffer> = { wireType: BYTES, zero: Buffer.alloc(0), write: (writer, value) => writer.bytes(value), read: (reader) => reader.bytes() }

/** Small ones are copied when written, large ones borrowed; a view when read. */
export const bytesOrNull = (number: number): Field<Buffer | null> => orNull(number, bytesScalar)

const uuidScalar: Scalar<Uuid> = { wireType: BYTES, zero: '', write: (writer, value) => writer.uuid(value), read: (reader) => reader.uuid() }

/** 16 bytes that must come. */
export function uuid(number: number): Field<Uuid> {
  return {
    ...scalar(number, uuidScalar),
    absent() {
      throw new BrokerError('INVALID_REQUEST', `malformed message: the id in field ${number} is missing`)
    },
  }
}

/** For codecs written by hand: what did not come, and must. Throws INVALID_REQUEST. */
export function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new BrokerError('INVALID_REQUEST', `malformed message: ${name} is missing`)
  return value
}

export const uuidOrNull = (number: number): Field<Uuid | null> => orNull(number, uuidScalar)

/** Strings of a fixed set as an enum: the first is 1, 0 is "unspecified" and refused. */
export function choice<T extends string>(number: number, values: readonly T[]): Field<T> {
  const tag = tagOf(number, VARINT)
  const pick = (value: number): T => {
    const chosen = values[value - 1]
    if (chosen === undefined) throw new BrokerError('INVALID_REQUEST', `malformed message: ${value} in field ${number} is none of ${values.join(', ')}`)
    return chosen
  }
  return {
    tags: [tag],
    write(writer, value) {
      writer.tag(tag)
      writer.int(values.indexOf(value) + 1)
    },
    read: (reader) => pick(reader.int32()),
    absent: () => pick(0),
  }
}

/** A nested message that must come. */
export function nested<T>(number: number, codec: Codec<T>): Field<T> {
  const tag = tagOf(number, BYTES)
  return {
    tags: [tag],
    write: (writer, value) => writeNested(writer, tag, codec, value),
    read: (reader) => reader.nested(codec.read),
    absent() {
      throw new BrokerError('INVALID_REQUEST', `malformed message: the message in field ${number} is missing`)
    },
  }
}

export function nestedOrNull<T>(number: number, codec: Codec<T>): Field<T | null> {
  const tag = tagOf(number, BYTES)
  return {
    tags: [tag],
    write(writer, value) {
      if (value !== null) writeNested(writer, tag, codec, value)
    },
    read: (reader) => reader.nested(codec.read),
    absent: () => null,
  }
}

/** Like nestedOrNull; absent is undefined, for fields that values may leave out. */
export function nestedOrAbsent<T>(number: number, codec: Codec<T>): Field<T | undefined> {
  const tag = tagOf(number, BYTES)
  return {
    tags: [tag],
    write(writer, value) {
      if (value !== undefined) writeNested(writer, tag, codec, value)
    },
    read: (reader) => reader.nested(codec.read),
    absent: () => undefined,
  }
}

/** One nested message, tag and length included. */
export function writeNested<T>(writer: ProtoWriter, tag: number, codec: Codec<T>, value: T): void {
  writer.tag(tag)
  const mark = writer.begin()
  codec.write(writer, value)
  writer.end(mark)
}

/** Repeated messages, in order. */
export function list<T>(number: number, codec: Codec<T>): Field<readonly T[]> {
  const tag = tagOf(number, BYTES)
  return {
    tags: [tag],
    write(writer, values) {
      for (const value of values) writeNested(writer, tag, codec, value)
    },
    read(reader, previous) {
      const values = (previous ?? []) as T[]
      values.push(reader.nested(codec.read))
      return values
    },
    absent: () => [],
  }
}

function scalarList<T>(number: number, kind: Scalar<T>): Field<readonly T[]> {
  const tag = tagOf(number, BYTES)
  return {
    tags: [tag],
    write(writer, values) {
      for (const value of values) {
        writer.tag(tag)
        kind.write(writer, value)
      }
    },
    read(reader, previous) {
      const values = (previous ?? []) as T[]
      reader.countElement()
      values.push(kind.read(reader))
      return values
    },
    absent: () => [],
  }
}

export const uuidList = (number: number): Field<readonly Uuid[]> => scalarList(number, uuidScalar)
export const stringList = (number: number): Field<readonly string[]> => scalarList(number, stringScalar)

/** Packed, as proto3 has it; read unpacked too, as protobuf demands. */
export function int32List(number: number): Field<readonly number[]> {
  const packed = tagOf(number, BYTES)
  return {
    tags: [packed, tagOf(number, VARINT)],
    write(writer, values) {
      if (values.length === 0) return
      writer.tag(packed)
      const mark = writer.begin()
      for (const value of values) writer.int(value)
      writer.end(mark)
    },
    read(reader, previous, tag) {
      const values = (previous ?? []) as number[]
      const readOne = (from: ProtoReader): void => {
        from.countElement()
        values.push(from.int32())
      }
      if (tag !== packed) readOne(reader)
      else {
        reader.nested((inner) => {
          while (inner.more) readOne(inner)
        })
      }
      return values
    },
    absent: () => [],
  }
}

const mapEntry = message<{ key: string; value: string }>({ key: string(1), value: string(2) })

/** `map<string, string>`, in the map's order. */
export function stringMap(number: number): Field<ReadonlyMap<string, string>> {
  const entries = list(number, mapEntry)
  return {
    tags: entries.tags,
    write(writer, value) {
      entries.write(
        writer,
        Array.from(value, ([key, entry]) => ({ key, value: entry })),
      )
    },
    read(reader, previous) {
      const map = (previous ?? new Map()) as Map<string, string>
      const { key, value } = reader.nested(mapEntry.read)
      map.set(key, value)
      return map
    },
    absent: () => new Map(),
  }
}

/** One `bytes` field: borrowed when written, a view when read. */
export function view(number: number): Field<Buffer> {
  const tag = tagOf(number, BYTES)
  return {
    tags: [tag],
    write(writer, value) {
      if (value.length > 0) writer.borrowField(tag, [value])
    },
    read: (reader) => reader.bytes(),
    absent: () => Buffer.alloc(0),
  }
}
