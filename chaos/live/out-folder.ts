import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** The folder of a run is in use, or cannot be made. */
export class OutFolderError extends Error {
  override readonly name = 'OutFolderError'
}

/** Makes it, or takes one that is empty. Throws an OutFolderError. */
export function makeOutFolder(path: string): void {
  let names: readonly string[] = []
  try {
    if (existsSync(path)) names = readdirSync(path)
    else mkdirSync(path, { recursive: true })
  } catch (error) {
    throw new OutFolderError(`no folder can be at ${path}: ${(error as Error).message}`)
  }
  if (names.length > 0) throw new OutFolderError(`there is something in ${path} already`)
}

/** Removes all that a run has made there since: the same command can be given again. */
export function emptyOutFolder(path: string): void {
  for (const name of readdirSync(path)) rmSync(join(path, name), { recursive: true, force: true })
}
