import { isUtf8 } from 'node:buffer'

/** A key or value as JSON has it: text, null, or `{"base64":"…"}` for what is no UTF-8 (cli.md, consume). */
export function bytesJson(bytes: Buffer | null): string | null | { readonly base64: string } {
  if (bytes === null) return null
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
}
