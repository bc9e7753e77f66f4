import { posix } from 'node:path'
import type { ImportEdge } from './source-file.ts'

/** `src/log/segment.ts` → log; `src/index.ts` → index; `chaos/sim/world.ts` → chaos. */
export function roomOf(path: string): string | undefined {
  const parts = path.split('/')
  if (parts[0] !== 'src') return parts[0] === 'chaos' || parts[0] === 'bench' ? parts[0] : undefined
  return parts.length === 2 ? parts[1]?.replace(/\.ts$/, '') : parts[1]
}

interface Row {
  readonly room: string
  readonly any: readonly string[]
  readonly types?: readonly string[]
  readonly lazy?: readonly string[]
}

const CORES = ['base', 'record', 'raft', 'metadata', 'controller', 'replication', 'group', 'txn']
const LIBRARIES = [...CORES, 'log', 'checkpoint', 'compression', 'wire']
const SERVER = [...LIBRARIES, 'runtime', 'broker', 'peer', 'grpc', 'kafka', 'http', 'client']
const FRONT_ENDS = ['client', 'node', 'base', 'log']

/** The table of architecture 3. A room may always import from itself. */
const table: readonly Row[] = [
  { room: 'base', any: [] },
  { room: 'record', any: ['base'] },
  { room: 'raft', any: ['base'] },
  { room: 'metadata', any: ['base', 'record'] },
  { room: 'controller', any: ['base', 'record', 'metadata'] },
  { room: 'replication', any: ['base', 'record', 'metadata'] },
  { room: 'group', any: ['base', 'record', 'metadata'] },
  { room: 'txn', any: ['base', 'record', 'metadata'] },
  { room: 'log', any: ['base', 'record'] },
  { room: 'checkpoint', any: ['base'] },
  { room: 'compression', any: ['base'] },
  { room: 'wire', any: ['base', 'record'], types: ['raft', 'metadata', 'controller', 'replication', 'group', 'txn'] },
  { room: 'runtime', any: LIBRARIES },
  { room: 'broker', any: [...LIBRARIES, 'runtime'] },
  { room: 'peer', any: ['base', 'wire', 'runtime'], types: ['raft', 'replication'] },
  { room: 'grpc', any: ['base', 'record', 'wire', 'broker'], types: ['runtime'] },
  { room: 'kafka', any: ['base', 'record', 'wire', 'broker'] },
  { room: 'http', any: ['base', 'record', 'wire', 'broker'], types: ['runtime'] },
  { room: 'client', any: ['base', 'record', 'compression', 'wire'] },
  { room: 'node', any: SERVER },
  { room: 'cli', any: FRONT_ENDS, lazy: ['chaos', 'bench'] },
  { room: 'console', any: FRONT_ENDS },
  { room: 'index', any: FRONT_ENDS },
  { room: 'chaos', any: [...SERVER, 'node', 'index'] },
  { room: 'bench', any: [...SERVER, 'node', 'index', 'chaos'] },
]

/** Rooms that decide, or hold only data: style S3. */
export const pureRooms: ReadonlySet<string> = new Set(CORES)

/** What is wrong with an import, as a sentence; undefined when the table allows it. */
export function judgeImport(path: string, edge: ImportEdge): string | undefined {
  const where = `${path}:${edge.line} imports ${edge.specifier}`
  const room = roomOf(path)
  const row = table.find((one) => one.room === room)
  if (row === undefined) return `${path}: "${room}" is not a room of architecture 3`
  if (!edge.specifier.startsWith('.')) {
    return edge.specifier.startsWith('node:') && room !== undefined && pureRooms.has(room) ? `${where}: a pure room imports nothing of Node` : undefined
  }
  if (!edge.specifier.endsWith('.ts')) return `${where}: a relative import ends in .ts`
  const target = roomOf(posix.join(posix.dirname(path), edge.specifier))
  if (target === undefined) return `${where}: that is outside of the house`
  if (target === room || row.any.includes(target)) return undefined
  if (row.types?.includes(target) === true) return edge.kind === 'type' ? undefined : `${where}: ${room} may know only types of ${target}`
  if (row.lazy?.includes(target) === true) return edge.kind === 'lazy' ? undefined : `${where}: ${room} may import ${target} lazily only`
  return `${where}: ${room} may not import ${target}`
}
