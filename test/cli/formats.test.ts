import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unescapeText } from '../../src/cli/format-text.ts'
import { compileInputFormat, type InputRecord } from '../../src/cli/input-format.ts'
import { LineSplitter } from '../../src/cli/lines.ts'
import { compileOutputFormat } from '../../src/cli/record-format.ts'
import { parseTimestamp } from '../../src/cli/timestamp.ts'
import type { ConsumedRecord } from '../../src/client/consumer.ts'

const record: ConsumedRecord = {
  topic: 'logs',
  partition: 3,
  offset: 7,
  leaderEpoch: 2,
  timestamp: 1_700_000_000_123,
  key: Buffer.from('k'),
  value: Buffer.from('wert'),
  headers: [
    { key: 'a', value: Buffer.from('1') },
    { key: 'b', value: null },
  ],
}

function formatted(format: string, one: ConsumedRecord = record): Buffer {
  const parts: Buffer[] = []
  compileOutputFormat(format)(one, 5, (part) => parts.push(Buffer.from(part)))
  return Buffer.concat(parts)
}

describe('consume --format', () => {
  it.each([
    ['%t/%p/%o', 'logs/3/7'],
    ['%k=%v|%s\\n', 'k=wert|wert\n'],
    ['%K %S %V', '1 4 4'],
    ['%h %H', 'a=1,b=NULL 2'],
    ['%T %D', '1700000000123 2023-11-14T22:13:20.123Z'],
    ['%e %i %%', '2 5 %'],
    ['\\t\\x41\\\\n\\q', '\tA\\n\\q'],
    ['', ''],
  ])('%j is %j', (format, text) => expect(formatted(format).toString()).toBe(text))

  it('writes null as nothing, of length -1, and values byte for byte', () => {
    expect(formatted('[%k][%v] %K %S', { ...record, key: null, value: null }).toString()).toBe('[][] -1 -1')
    const bytes = Buffer.from([0xff, 0x00, 0x0a])
    expect(formatted('%v', { ...record, value: bytes })).toEqual(bytes)
  })

  it('writes a timestamp that is no date as it is', () => expect(formatted('%D', { ...record, timestamp: 9e15 }).toString()).toBe('9000000000000000'))

  it.each(['%x', '%', 'a %'])('%j is refused, and the letters are told', (format) => {
    expect(() => compileOutputFormat(format)).toThrow(/^--format: %.? is unknown$/)
  })
})

function parsed(format: string, text: string): InputRecord[] {
  const { delimiter, parse } = compileInputFormat(format)
  const splitter = new LineSplitter(delimiter)
  return [...splitter.feed(Buffer.from(text)), ...splitter.end()].map(parse)
}

describe('produce --format', () => {
  it.each([
    ['%k\\t%v\\n', 'a\tb\nc\td', ['a=b', 'c=d']],
    ['%v', 'a b\n', ['null=a b']],
    ['%k:%v;;', 'a:b;;c:d\n;;', ['a=b', 'c=d\n']],
    ['<%k>%v', '<a>b\n', ['a=b']],
    ['%s %k', 'v k\n', ['k=v']],
    ['100%% %v', '100% x\n', ['null=x']],
  ])('%j reads %j', (format, text, found) => expect(parsed(format, text).map(({ key, value }) => `${key}=${value}`)).toEqual(found))

  it('reads headers, partition and timestamp', () => {
    expect(parsed('%p %T %h %v\n', '2 1700 a=1,b=x=y text\n')).toEqual([
      {
        key: null,
        value: Buffer.from('text'),
        partition: 2,
        timestamp: 1700,
        headers: [
          { key: 'a', value: Buffer.from('1') },
          { key: 'b', value: Buffer.from('x=y') },
        ],
      },
    ])
  })

  it.each([
    ['%k\\t%v', 'nothing', '"\\t" does not stand behind its key'],
    ['<%v', 'x', '"<" does not stand in it'],
    ['%p %v', 'x y', 'its partition is "x", a whole number is expected'],
    ['%h %v', 'x y', 'its header "x" is not KEY=VALUE'],
    ['json', '{', /^.*it is no JSON \(/],
    ['json', '[]', 'it is no JSON object'],
    ['json', '{"value":1}', 'its value is neither text, null nor {"base64":"…"}'],
    ['json', '{"timestamp":-1}', 'its timestamp is no number of milliseconds'],
    ['json', '{"headers":"a"}', 'its headers are no JSON object'],
  ])('%j refuses %j', (format, line, why) => {
    expect(() => compileInputFormat(format).parse(Buffer.from(line))).toThrow(
      expect.objectContaining({ code: 'INVALID_RECORD', detail: typeof why === 'string' ? why : expect.stringMatching(why) }),
    )
  })

  it.each([
    ['%k%v', '--format: text must stand between two fields'],
    ['%v %v', '--format names a part of the record twice'],
    ['%v %s', '--format names a part of the record twice'],
    ['text', '--format names no part of a record'],
    ['%t %v', '--format: %t is unknown'],
  ])('%j is no format', (format, message) => expect(() => compileInputFormat(format)).toThrow(message))

  it('reads back what consume -o json writes, byte for byte', () => {
    const bytes = fc.option(fc.uint8Array({ maxLength: 20 }), { nil: null })
    fc.assert(
      fc.property(bytes, bytes, (key, value) => {
        const json = (one: Uint8Array | null): unknown => (one === null ? null : { base64: Buffer.from(one).toString('base64') })
        const line = Buffer.from(JSON.stringify({ topic: 't', partition: 9, offset: 4, key: json(key), value: json(value), headers: { h: ['1', null] } }))
        const read = compileInputFormat('json').parse(line)
        expect(read.key).toEqual(key === null ? null : Buffer.from(key))
        expect(read.value).toEqual(value === null ? null : Buffer.from(value))
        expect(read.partition).toBeUndefined()
        expect(read.headers).toEqual([
          { key: 'h', value: Buffer.from('1') },
          { key: 'h', value: null },
        ])
      }),
    )
  })
})

describe('records end', () => {
  it('at a delimiter of several bytes too, however the chunks fall', () => {
    const text = 'a--b-c---d'
    for (let size = 1; size <= text.length; size++) {
      const splitter = new LineSplitter(Buffer.from('--'))
      const lines: string[] = []
      for (let at = 0; at < text.length; at += size) lines.push(...splitter.feed(Buffer.from(text.slice(at, at + size))).map(String))
      lines.push(...splitter.end().map(String))
      expect(lines).toEqual(['a', 'b-c', '-d'])
    }
  })

  it('unescapes to bytes', () => expect(unescapeText('\\x00\\xff\\r\\0é\\')).toEqual(Buffer.from([0, 0xff, 0x0d, 0, 0xc3, 0xa9, 0x5c])))
})

describe('a moment', () => {
  const now = Date.parse('2026-02-03T04:05:06Z')
  it.each([
    ['@1700000000000', 1_700_000_000_000],
    ['@0', 0],
    ['@now', now],
    ['@-90s', now - 90_000],
    ['@-5m', now - 300_000],
    ['@-2h', now - 7_200_000],
    ['@-1d', now - 86_400_000],
    ['@-1w', now - 604_800_000],
    ['@-250ms', now - 250],
    ['@2026-01-31', Date.parse('2026-01-31T00:00:00Z')],
    ['@2026-01-31T12:30:00Z', Date.parse('2026-01-31T12:30:00Z')],
    ['@2026-01-31T12:30:00.5+02:00', Date.parse('2026-01-31T10:30:00.500Z')],
  ])('%s', (text, ms) => expect(parseTimestamp(text, now, '--at')).toBe(ms))

  it.each(['@', '@tomorrow', '@+1h', '@-1y', '@2026-13-01', '@1e3', '@-99999d', '5'])('%s is none', (text) => {
    expect(() => parseTimestamp(text, now, '--at')).toThrow(`--at ${text} is not a moment`)
  })
})
