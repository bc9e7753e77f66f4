import pure from 'crc-32/crc32c.js'

/**
 * The native routine wins from here on (measured: 3.2 GB/s against 2.0 at 1 KiB, 0.7 against 1.8 at 64 B).
 */
const NATIVE_FROM_BYTES = 512

type Routine = (bytes: Buffer) => number

/** Nobody waits for the prebuilt routine: until it is loaded, and where none loads on this platform, the portable one serves. */
const native: { routine?: Routine; isAsked: boolean } = { isAsked: false }

/** Not before it can win: what asks a cluster one question never gets there. */
function askForNative(): void {
  native.isAsked = true
  import('@node-rs/crc32').then(
    (module) => {
      native.routine = module.crc32c
    },
    () => undefined,
  )
}

/** CRC-32C (Castagnoli), unsigned. */
export function crc32c(bytes: Buffer): number {
  if (bytes.length >= NATIVE_FROM_BYTES) {
    if (native.routine !== undefined) return native.routine(bytes)
    if (!native.isAsked) askForNative()
  }
  return pure.buf(bytes) >>> 0
}
