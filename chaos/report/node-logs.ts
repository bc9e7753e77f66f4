import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { MADE_UP } from '../live/disk/ailing-disk.ts'

export interface LoggedLine {
  readonly nodeId: number
  /** Wall clock, ms. */
  readonly time: number
  readonly level: string
  readonly message: string
}

const MAX_LINES = 20

/** What the nodes of a run logged, all together in the order of time. */
export class NodeLogs {
  readonly #lines: readonly LoggedLine[]

  constructor(folder: string, nodes: number) {
    const lines = Array.from({ length: nodes }, (_, at) => readLog(join(folder, 'logs', `node-${at + 1}.log`), at + 1)).flat()
    this.#lines = lines.sort((left, right) => left.time - right.time)
  }

  /** The first of them, when there are many. */
  between(fromMs: number, toMs: number): LoggedLine[] {
    return this.#lines.filter(({ time }) => time >= fromMs && time <= toMs).slice(0, MAX_LINES)
  }

  /** What ended a node, but for disks that were made to fail. */
  fatal(): LoggedLine[] {
    return this.#lines.filter(({ message }) => message.startsWith('fatal: ') && !message.includes(MADE_UP))
  }
}

/** Lines that are no JSON are what Node itself writes when it breaks down; they have no time. */
function readLog(path: string, nodeId: number): LoggedLine[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line) => {
      if (!line.startsWith('{')) return []
      try {
        const { time, level, msg } = JSON.parse(line) as { readonly time?: string | number; readonly level?: unknown; readonly msg?: unknown }
        return [{ nodeId, time: new Date(time ?? 0).getTime(), level: String(level), message: String(msg) }]
      } catch {
        // Cut short by the end of the node.
        return []
      }
    })
}
