import { closeSync, fsyncSync, openSync, readdirSync, readSync, statSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../../../src/base/random.ts'
import { type Fault, type FaultWorld, nodesText, pickSome, type RunningFault } from './fault.ts'
import { Killings } from './killings.ts'
import { untilAllInSync } from './settled.ts'

const MAX_FILES = 3

/** Files of logs with something in them: of partitions, and of the metadata. */
function logFiles(dataDir: string): string[] {
  const names = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => /^(?:partitions|metadata)\b.*\.log$/.test(name))
    .map((name) => join(dataDir, name))
    .filter((path) => statSync(path).size > 0)
    .sort()
}

/** One bit, anywhere in the file. */
export function flipBit(path: string, random: Random): void {
  const file = openSync(path, 'r+')
  try {
    const position = random.integer(statSync(path).size)
    const byte = Buffer.alloc(1)
    readSync(file, byte, 0, 1, position)
    byte[0] = (byte[0] as number) ^ (1 << random.integer(8))
    writeSync(file, byte, 0, 1, position)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** The node is down while it happens, and up again when this is fulfilled. */
async function flipBits(world: FaultWorld): Promise<RunningFault> {
  const { cluster, random, admin } = world
  const [node] = pickSome(random, cluster.nodeIds, 1) as [number]
  const killings = new Killings(world)
  await killings.kill([node])
  const files = logFiles(cluster.live.dataDir(node))
  const chosen = pickSome(
    random,
    files.map((_, at) => at),
    MAX_FILES,
  ).map((at) => files[at] as string)
  for (const path of chosen) flipBit(path, random)
  await killings.startAgain()
  return {
    detail: nodesText([node]),
    observe: async () => ({ isSeen: chosen.length > 0, what: `a bit was flipped in each of ${chosen.length} files` }),
    // No other node is hurt before this one has everything again: that would be more than a minority of some replicas.
    heal: () => untilAllInSync(admin),
  }
}

export const damagedFiles: readonly Fault[] = [
  { name: 'flip-bits', about: 'bits flip in files of one node while it is down', kind: 'process', minNodes: 3, begin: flipBits },
]
