import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Random } from '../../../src/base/random.ts'
import { sleep } from '../cluster-process.ts'
import { type Fault, type FaultWorld, nodesText, pickSome, type RunningFault } from './fault.ts'
import { Killings } from './killings.ts'
import { untilAllInSync } from './settled.ts'
import { untilAllVote } from './voters.ts'

const MAX_FILES = 3
/** What is rolled back is so by so much. */
const ROLLED_BACK_MS = 2_000
/** Of truncated files, one in two loses so much at most; one in four twice that … */
const CUT_BYTES = 64

/** Of partitions, and of the metadata. */
const LOGS = /^(?:partitions|metadata)\b.*\.log$/
/** Whatever has checksums, or copies: indexes, notes of where a log begins, snapshots of the metadata and the vote as well. */
const CHECKED = /^(?:partitions|metadata)\b.*(?:\.log|\.index|\.timeindex|\.checkpoint|log-start)$|^quorum-state$/

/** Files with something in them. */
function filesOf(dataDir: string, which: RegExp): string[] {
  const names = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
  return (
    names
      .filter((name) => which.test(name))
      .map((name) => join(dataDir, name))
      // A topic may have been deleted since.
      .filter((path) => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0)
      .sort()
  )
}

/** Of each log: only there anything is written. */
function lastOfEach(paths: readonly string[]): readonly string[] {
  return [...new Map(paths.map((path) => [dirname(path), path])).values()]
}

function pickFiles(random: Random, dataDir: string, which: RegExp): string[] {
  const files = filesOf(dataDir, which)
  return pickSome(
    random,
    files.map((_, at) => at),
    MAX_FILES,
  ).map((at) => files[at] as string)
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

/** At least one byte of the end, mostly few. */
export function cutTail(path: string, random: Random): void {
  let most = CUT_BYTES
  while (random.integer(2) === 0) most *= 2
  truncateSync(path, Math.max(0, statSync(path).size - 1 - random.integer(most)))
}

/** What was done to the files of a node, as a sentence; undefined: nothing was. */
type Damage = (dataDir: string) => string | undefined

/**
 * The node is down while it happens, killed or stopped in good order, and up again when this is fulfilled. No other node is hurt before this one
 * has everything again: that would be more than a minority of some replicas.
 */
async function damage(world: FaultWorld, node: number, isKilled: boolean, act: Damage): Promise<RunningFault> {
  const { cluster, admin } = world
  const killings = new Killings(world)
  const dataDir = cluster.live.dataDir(node)
  const fromLine = cluster.live.log(node).length
  if (isKilled) await killings.kill([node])
  else await cluster.stopNode(node)
  let done: string | undefined
  try {
    done = act(dataDir)
  } finally {
    if (isKilled) await killings.startAgain()
    else {
      cluster.startNode(node)
      await cluster.untilListening(node, fromLine)
    }
  }
  return {
    detail: `${nodesText([node])}, ${isKilled ? 'killed' : 'stopped'}`,
    observe: async () => ({ isSeen: done !== undefined, what: done ?? 'there was no such file' }),
    heal: async () => undefined,
    settle: async () => {
      await untilAllVote(world, cluster.nodeIds)
      await untilAllInSync(admin)
    },
  }
}

function pickNode({ cluster, random }: FaultWorld): number {
  return pickSome(random, cluster.nodeIds, 1)[0] as number
}

/** The same to files that it goes on with: it may not have met what was done when all is over. */
async function hurt(world: FaultWorld, node: number, isKilled: boolean, act: Damage): Promise<RunningFault> {
  return { ...(await damage(world, node, isKilled, act)), hurt: [node] }
}

/** Each of some files is changed. */
function eachOfSome(random: Random, which: RegExp, what: string, change: (path: string, random: Random) => void): Damage {
  return (dataDir) => {
    const chosen = pickFiles(random, dataDir, which)
    for (const path of chosen) change(path, random)
    return chosen.length === 0 ? undefined : `${what} ${chosen.length} files`
  }
}

async function flipBits(world: FaultWorld): Promise<RunningFault> {
  return await hurt(world, pickNode(world), true, eachOfSome(world.random, CHECKED, 'a bit was flipped in each of', flipBit))
}

async function truncateFiles(world: FaultWorld): Promise<RunningFault> {
  return await hurt(world, pickNode(world), world.random.integer(2) === 0, eachOfSome(world.random, LOGS, 'the end was cut off', cutTail))
}

/** Some files are again what they were a while ago. */
async function rollBack(world: FaultWorld): Promise<RunningFault> {
  const { cluster, random } = world
  const node = pickNode(world)
  const before = lastOfEach(filesOf(cluster.live.dataDir(node), LOGS)).flatMap((path) => (existsSync(path) ? [{ path, bytes: readFileSync(path) }] : []))
  await sleep(ROLLED_BACK_MS)
  return await hurt(world, node, random.integer(2) === 0, () => {
    const changed = before.filter(({ path, bytes }) => existsSync(dirname(path)) && !(existsSync(path) && readFileSync(path).equals(bytes)))
    const places = changed.map((_, at) => at)
    const chosen = pickSome(random, places, MAX_FILES).map((at) => changed[at] as (typeof changed)[number])
    for (const { path, bytes } of chosen) writeFileSync(path, bytes, { flush: true })
    return chosen.length === 0
      ? undefined
      : `${chosen.length} of ${changed.length} files that had changed were as they had been ${ROLLED_BACK_MS / 1000} s before`
  })
}

/**
 * Its folder is gone. It comes back under a new directory id and without its vote; an operator's command gives that back (rules R2.2). What it has
 * then it has fetched anew: this excuses no hole in it.
 */
async function wipe(world: FaultWorld): Promise<RunningFault> {
  const node = pickNode(world)
  const running = await damage(world, node, world.random.integer(2) === 0, (dataDir) => {
    rmSync(dataDir, { recursive: true })
    return 'its folder was removed'
  })
  return { ...running, renewed: [node] }
}

const ofFiles = { kind: 'process', minNodes: 3 } as const

export const damagedFiles: readonly Fault[] = [
  { name: 'flip-bits', about: 'bits flip in files of one node while it is down', ...ofFiles, begin: flipBits },
  { name: 'truncate', about: 'files of one node lose their ends while it is down', ...ofFiles, begin: truncateFiles },
  { name: 'roll-back', about: 'files of one node are as they were a while ago when it starts again', ...ofFiles, begin: rollBack },
  { name: 'wipe', about: 'the folder of one node is gone when it starts again', ...ofFiles, begin: wipe },
]
