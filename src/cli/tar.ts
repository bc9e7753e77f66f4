import { assert } from '../base/assert.ts'

/** One file of an archive. */
export interface TarEntry {
  /** With '/'; at most 100 bytes. */
  readonly path: string
  readonly content: Buffer
}

const BLOCK_BYTES = 512
const PATH_BYTES = 100
const FILE_MODE = 0o600
/** Where the checksum stands, and how long it is. */
const CHECKSUM_AT = 148
const CHECKSUM_BYTES = 8

/** A number in octal, filled up with zeros, and a zero byte behind it. */
function octal(value: number, bytes: number): string {
  return `${value.toString(8).padStart(bytes - 1, '0')}\0`
}

function header({ path, content }: TarEntry, modifiedMs: number): Buffer {
  assert(path !== '' && Buffer.byteLength(path) <= PATH_BYTES, 'a path fits into its field')
  const block = Buffer.alloc(BLOCK_BYTES)
  block.write(path, 0)
  block.write(octal(FILE_MODE, 8), 100)
  block.write(octal(0, 8), 108)
  block.write(octal(0, 8), 116)
  block.write(octal(content.length, 12), 124)
  block.write(octal(Math.floor(modifiedMs / 1_000), 12), 136)
  block.write(' '.repeat(CHECKSUM_BYTES), CHECKSUM_AT)
  block.write('0', 156)
  block.write('ustar\x0000', 257)
  let sum = 0
  for (const byte of block) sum += byte
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM_AT)
  return block
}

/** An archive of plain files, as POSIX.1-1988 (ustar) has it; every tar reads it. */
export function tarball(entries: readonly TarEntry[], modifiedMs: number): Buffer {
  const parts: Buffer[] = []
  for (const entry of entries) {
    parts.push(header(entry, modifiedMs), entry.content)
    const over = entry.content.length % BLOCK_BYTES
    if (over > 0) parts.push(Buffer.alloc(BLOCK_BYTES - over))
  }
  // Two empty blocks say that it is over.
  parts.push(Buffer.alloc(BLOCK_BYTES * 2))
  return Buffer.concat(parts)
}
