import { DEFAULT_PORT_BASE } from '../../src/node/config.ts'
import { findPortBase, isFree } from './cluster-process.ts'

/** Where the cluster of a page goes when somebody else's stands on its ports. */
export interface Move {
  readonly portBase: number
  readonly env: NodeJS.ProcessEnv
}

/** The nodes that the pages speak of; the split roles of cluster-configs are six. */
const NODES = 6
/** Of this machine: gRPC 9192, Kafka 9092, HTTP 9292, and so on. Those of other hosts, as in a composition, are nobody's trouble here. */
const PORT = /(?<=127\.0\.0\.1:|Port: |_port": )9([012])9([2-7])(?!\d)/g
/** The page of examples/log-analytics. */
const EXAMPLE_PORT = 9400
const START = /^(\$ (?:npx oxbow dev|npm start))(.*)$/gm

function portsOf(portBase: number): number[] {
  return [0, 100, 200].flatMap((above) => Array.from({ length: NODES }, (_, at) => portBase + above + at + 1))
}

/** Undefined: the ports of the pages are free. */
export async function moveCluster(): Promise<Move | undefined> {
  const free = await Promise.all([...portsOf(DEFAULT_PORT_BASE), EXAMPLE_PORT].map(isFree))
  if (free.every(Boolean)) return undefined
  const portBase = await findPortBase(NODES)
  return { portBase, env: { PORT: String(portBase + 300) } }
}

/** The same page, cluster file or source, for the other ports. */
export function movedText(text: string, move: Move | undefined): string {
  if (move === undefined) return text
  const { portBase } = move
  return text
    .replace(PORT, (_, hundreds: string, unit: string) => String(portBase + Number(hundreds) * 100 + Number(unit) - 1))
    .replaceAll(`:${EXAMPLE_PORT}`, `:${portBase + 300}`)
    .replace(START, (_, start: string, rest: string) => `${start}${start.endsWith('npm start') ? ' --' : ''} --port-base ${portBase}${rest}`)
}
