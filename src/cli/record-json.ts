import { isUtf8 } from 'node:buffer'
import type { ConsumedRecord } from '../client/consumer.ts'

/** A key or value as JSON has it: text, null, or `{"base64":"…"}` for what is no UTF-8 (cli.md, consume). */
export type BytesJson = string | null | { readonly base64: string }

export function bytesJson(bytes: Buffer | null): BytesJson {
  if (bytes === null) return null
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
}

/** By key; the values of a key that comes more than once are a list, in order. */
export function headersJson(headers: ConsumedRecord['headers']): Readonly<Record<string, BytesJson | readonly BytesJson[]>> {
  const byKey = new Map<string, BytesJson[]>()
  for (const { key, value } of headers) if (byKey.get(key)?.push(bytesJson(value)) === undefined) byKey.set(key, [bytesJson(value)])
  return Object.fromEntries([...byKey].map(([key, values]) => [key, values.length === 1 ? (values[0] as BytesJson) : values]))
}
