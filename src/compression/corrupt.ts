import { BrokerError } from '../base/errors.ts'

export function corrupt(codec: string, what: string): BrokerError {
  return new BrokerError('CORRUPT_MESSAGE', `${codec}: ${what}`)
}

export function tooLarge(codec: string, maxBytes: number): BrokerError {
  return corrupt(codec, `more than ${maxBytes} bytes when decompressed`)
}

/** Runs a library on bytes from outside: whatever it throws, the bytes are to blame. */
export function blameBytes(codec: string, decompress: () => Buffer): Buffer {
  try {
    return decompress()
  } catch (error) {
    throw corrupt(codec, error instanceof Error ? error.message : String(error))
  }
}
