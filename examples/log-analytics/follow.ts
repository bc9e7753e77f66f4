import { createHash } from 'node:crypto'
import { open, readdir, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'

export interface LogFile {
  readonly path: string
  /** What it is, whatever it is called now: inode and a hash of its first line. A rotation renames a file; its lines stay what they were. */
  readonly id: string
  /** The log that it is a part of: its path in the folder, without what a rotation adds. */
  readonly name: string
  readonly sizeBytes: number
  /** When it was written to last, wall clock: of the files of one log the rotated ones are older. */
  readonly writtenAtMs: number
}

export interface Line {
  readonly bytes: Buffer
  /** Position of the byte behind it. */
  readonly end: number
}

/** A longer line is taken in pieces of this size, the same ones whenever it is read. */
const MAX_LINE_BYTES = 256 * 1024
const FIRST_LINE_BYTES = 1024
const MAX_DEPTH = 4
const COMPRESSED = /\.(gz|xz|bz2|zst|lz4)$/
const ROTATED = /(\.\d+|\.old|-\d{8}(-\d+)?)$/
const NEW_LINE = 0x0a

export function logName(folder: string, path: string): string {
  return relative(folder, path).replace(ROTATED, '')
}

async function readAt(path: string, position: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(length)
    let end = 0
    while (end < length) {
      const { bytesRead } = await file.read(bytes, end, length - end, position + end)
      if (bytesRead === 0) break
      end += bytesRead
    }
    return bytes.subarray(0, end)
  } finally {
    await file.close()
  }
}

async function describe(folder: string, path: string): Promise<LogFile | undefined> {
  const { ino, size, mtimeMs } = await stat(path)
  if (size === 0) return undefined
  const start = await readAt(path, 0, FIRST_LINE_BYTES)
  const newLine = start.indexOf(NEW_LINE)
  // Its first line is not written to the end yet, or it is no text.
  if ((newLine < 0 && start.length < FIRST_LINE_BYTES) || start.includes(0)) return undefined
  const firstLine = newLine < 0 ? start : start.subarray(0, newLine)
  const hash = createHash('sha256').update(firstLine).digest('hex').slice(0, 12)
  return { path, id: `${ino}-${hash}`, name: logName(folder, path), sizeBytes: size, writtenAtMs: mtimeMs }
}

/** The text files in a folder and below, each once. What cannot be read, or goes away meanwhile, is passed over. */
export async function findFiles(folder: string, depth = 0, root = folder): Promise<LogFile[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found: LogFile[] = []
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && depth < MAX_DEPTH) found.push(...(await findFiles(path, depth + 1, root)))
    else if (entry.isFile() && !COMPRESSED.test(entry.name)) {
      const file = await describe(root, path).catch(() => undefined)
      if (file !== undefined) found.push(file)
    }
  }
  return [...new Map(found.map((file) => [file.id, file])).values()]
}

/**
 * What is to be read: of each log the files that have more than was read of them, the oldest first, so that its lines stay in their order
 * through a rotation. A file that was not there at the last look (`known`) waits for the next: the one before it may have been renamed during this look,
 * and be in no list.
 */
export function filesToRead(files: readonly LogFile[], known: ReadonlySet<string>, positionOf: (id: string) => number): LogFile[][] {
  const unread = new Map<string, LogFile[]>()
  for (const file of files.toSorted((a, b) => a.writtenAtMs - b.writtenAtMs)) {
    if (!known.has(file.id) || file.sizeBytes <= positionOf(file.id)) continue
    if (unread.get(file.name)?.push(file) === undefined) unread.set(file.name, [file])
  }
  return [...unread.values()]
}

/**
 * Whole lines from `position` on, at most 256 KiB of them. A line without its end is left for later: it may still grow, and whoever reads it
 * again must see the same line.
 */
export async function readLines(file: LogFile, position: number): Promise<Line[]> {
  const bytes = await readAt(file.path, position, Math.min(MAX_LINE_BYTES, file.sizeBytes - position)).catch(() => Buffer.alloc(0))
  const lines: Line[] = []
  let start = 0
  for (let at = bytes.indexOf(NEW_LINE); at >= 0; at = bytes.indexOf(NEW_LINE, start)) {
    lines.push({ bytes: bytes.subarray(start, at), end: position + at + 1 })
    start = at + 1
  }
  if (start === 0 && bytes.length === MAX_LINE_BYTES) lines.push({ bytes, end: position + MAX_LINE_BYTES })
  return lines
}
