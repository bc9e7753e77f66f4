import { BrokerError } from './errors.ts'
import type { Random } from './random.ts'

/** 128 random bits as 32 lower-case hex digits: cluster, topic, directory and incarnation ids (rules R2.1). */
export type Uuid = string

const UUID_PATTERN = /^[0-9a-f]{32}$/

export function randomUuid(random: Random): Uuid {
  let text = ''
  for (let word = 0; word < 4; word++) text += random.integer(0x1_0000_0000).toString(16).padStart(8, '0')
  return text
}

/** Checks an id that came from outside. Throws INVALID_REQUEST. */
export function parseUuid(text: string): Uuid {
  if (!UUID_PATTERN.test(text)) throw new BrokerError('INVALID_REQUEST', `"${text.slice(0, 64)}" is not an id of 32 hex digits`)
  return text
}
