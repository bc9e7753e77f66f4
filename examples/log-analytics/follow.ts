import { createHash } from 'node:crypto'
import { type FileHandle, open, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'

/**
 * Which lines of a folder come next. The lines of a log must come in the order in which they were written, through rotations and whoever reads
 * them, because what is late follows from that order. So nothing here asks a clock: a file's place is its name's (`app.log.2`, `app.log.1`,
 * `app.log`), and a log is read only while nothing moves: its files are the same in two looks, and the file that is opened is the one that was found.
 */
export interface LogFile {
  readonly path: string
  /** What it is, whatever it is called now: inode and a hash of its first line. A rotation renames a file; its lines stay what they were. */
  readonly id: string
  /** The log that it is a part of: its path in the folder, without what a rotation adds. */
  readonly name: string
  readonly sizeBytes: number
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
/** More digits are a date. */
const NUMBERED = /\.\d{1,5}$/
const NEW_LINE = 0x0a

export function logName(folder: string, path: string): string {
  return relative(folder, path).replace(ROTATED, '')
}

/** Of one log's files, the older first. As logrotate names them numbers fall, dates rise, and the file that is written to is the last. */
function compareAge({ path: a }: LogFile, { path: b }: LogFile): number {
  const suffix = (path: string): string => ROTATED.exec(path)?.[0] ?? ''
  const style = (path: string): number => (NUMBERED.test(path) ? 0 : ROTATED.test(path) ? 1 : 2)
  if (style(a) !== style(b)) return style(a) - style(b)
  const rising = suffix(a).localeCompare(suffix(b), 'en', { numeric: true })
  return style(a) === 0 ? -rising : rising
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let end = 0
  while (end < length) {
    const { bytesRead } = await file.read(bytes, end, length - end, position + end)
    if (bytesRead === 0) break
    end += bytesRead
  }
  return bytes.subarray(0, end)
}

/** Undefined: its first line is not written to the end yet, or it is no text. */
async function identify(file: FileHandle): Promise<{ readonly id: string; readonly sizeBytes: number } | undefined> {
  const { ino, size: sizeBytes } = await file.stat()
  const start = await readAt(file, 0, FIRST_LINE_BYTES)
  const newLine = start.indexOf(NEW_LINE)
  if ((newLine < 0 && start.length < FIRST_LINE_BYTES) || start.includes(0)) return undefined
  const firstLine = newLine < 0 ? start : start.subarray(0, newLine)
  const hash = createHash('sha256').update(firstLine).digest('hex').slice(0, 12)
  return { id: `${ino}-${hash}`, sizeBytes }
}

/** Undefined when it cannot be read, or went away meanwhile. */
async function withFile<Result>(path: string, use: (file: FileHandle) => Promise<Result>): Promise<Result | undefined> {
  try {
    const file = await open(path, 'r')
    try {
      return await use(file)
    } finally {
      await file.close()
    }
  } catch {
    return undefined
  }
}

/** The text files in a folder and below, each once. What cannot be read, or goes away meanwhile, is passed over. */
export async function findFiles(folder: string, depth = 0, root = folder): Promise<LogFile[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found: LogFile[] = []
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && depth < MAX_DEPTH) found.push(...(await findFiles(path, depth + 1, root)))
    else if (entry.isFile() && !COMPRESSED.test(entry.name)) {
      const identity = await withFile(path, identify)
      if (identity !== undefined) found.push({ path, name: logName(root, path), ...identity })
    }
  }
  return [...new Map(found.map((file) => [file.id, file])).values()]
}

function byLog(files: readonly LogFile[]): Map<string, LogFile[]> {
  const logs = new Map<string, LogFile[]>()
  for (const file of files.toSorted(compareAge)) if (logs.get(file.name)?.push(file) === undefined) logs.set(file.name, [file])
  return logs
}

/**
 * What is to be read: of each log the files that have more than was read of them, the oldest first. A log whose files are not those of the look before
 * waits for the next: a file that was renamed during a look may be missing from it, or stand where it is no more.
 */
export function filesToRead(look: readonly LogFile[], before: readonly LogFile[], positionOf: (id: string) => number): LogFile[][] {
  const places = (files: readonly LogFile[] = []): string => files.map(({ id, path }) => `${id} ${path}`).join('\n')
  const logsBefore = byLog(before)
  return [...byLog(look)]
    .filter(([name, files]) => places(files) === places(logsBefore.get(name)))
    .map(([, files]) => files.filter(({ id, sizeBytes }) => sizeBytes > positionOf(id)))
    .filter((files) => files.length > 0)
}

/**
 * Whole lines from `position` on, at most 256 KiB of them. A line without its end is left for later: it may still grow, and whoever reads it
 * again must see the same line. Undefined when the file is no longer where it was found.
 */
export async function readLines({ path, id, sizeBytes }: LogFile, position: number): Promise<Line[] | undefined> {
  const bytes = await withFile(path, async (file) =>
    (await identify(file))?.id === id ? readAt(file, position, Math.min(MAX_LINE_BYTES, sizeBytes - position)) : undefined,
  )
  if (bytes === undefined) return undefined
  const lines: Line[] = []
  let start = 0
  for (let at = bytes.indexOf(NEW_LINE); at >= 0; at = bytes.indexOf(NEW_LINE, start)) {
    lines.push({ bytes: bytes.subarray(start, at), end: position + at + 1 })
    start = at + 1
  }
  if (start === 0 && bytes.length === MAX_LINE_BYTES) lines.push({ bytes, end: position + MAX_LINE_BYTES })
  return lines
}

/**
 * The next lines of a log, from the first of its files that has a whole one: half a line that was left at the end of a rotated file does not hold up
 * the file behind it. A file that moved does: its lines come before those of the next.
 */
export async function nextLines(files: readonly LogFile[], positionOf: (id: string) => number): Promise<{ file: LogFile; lines: Line[] } | undefined> {
  for (const file of files) {
    const lines = await readLines(file, positionOf(file.id))
    if (lines === undefined) return undefined
    if (lines.length > 0) return { file, lines }
  }
  return undefined
}
