import { createRequire } from 'node:module'

const ASCII = /^[ -~]*$/
const load = createRequire(import.meta.url)

/** Columns of a terminal that the text takes. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length
  // What it knows of all scripts and emojis takes as long to load as a short command's question to the cluster; most tables need none of it.
  const { default: stringWidth } = load('string-width') as typeof import('string-width')
  return stringWidth(text)
}
