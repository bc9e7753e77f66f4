import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { InvariantName } from '../check/violation.ts'
import type { SeedCase } from './seed-case.ts'
import type { Settings } from './settings.ts'
import { World } from './world.ts'

/** A run that broke something, as a file: all that it takes to run it again. Times in it are simulated. */
export interface FailureFile extends SeedCase {
  /** One line. */
  readonly broke: string
  readonly invariant: InvariantName
  /** Of the trace. */
  readonly hash: string
  /** The story, a sentence each. */
  readonly trace: readonly string[]
}

/** What settings from before have no word of: there was none of it then. */
const newer: Pick<Settings, 'passingGapMs' | 'folderMoveGapMs'> = { passingGapMs: null, folderMoveGapMs: null }

/** Runs it; null: it held. */
export async function runCase({ seed, settings, plan }: SeedCase): Promise<FailureFile | null> {
  const trace: string[] = []
  const { hash, violation } = await new World({ seed, settings, plan, tell: (line) => trace.push(line) }).run()
  if (violation === null) return null
  return { seed, broke: violation.message.split('\n')[0] as string, invariant: violation.invariant, hash, settings, plan, trace }
}

/** Writes it into the folder, which is made. Returns its path. */
export function writeFailure(folder: string, name: string, failure: FailureFile): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${name}.json`)
  writeFileSync(path, `${JSON.stringify(failure, null, 1)}\n`)
  return path
}

/** Throws an Error with one sentence when there is no such file, or it is another one. */
export function readFailure(path: string): FailureFile {
  let read: Partial<FailureFile> | null
  try {
    read = JSON.parse(readFileSync(path, 'utf8')) as Partial<FailureFile> | null
  } catch (error) {
    throw new Error(`${path} cannot be read as a failure of the simulator: ${(error as Error).message}`)
  }
  const isWhole = typeof read === 'object' && typeof read?.seed === 'number' && typeof read.settings === 'object' && Array.isArray(read.plan)
  if (!isWhole || typeof read?.invariant !== 'string' || typeof read.hash !== 'string') {
    throw new Error(`${path} is no failure of the simulator: seed, settings, plan, invariant and hash are expected`)
  }
  return { ...read, settings: { ...newer, ...read.settings } } as FailureFile
}
