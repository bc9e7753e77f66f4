import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Undefined when there is none. Throws when it is not what was written. */
export async function readState<State>(path: string): Promise<State | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text === undefined ? undefined : (JSON.parse(text) as State)
}

/** Replaces it in one step: whoever is killed leaves the old one or the new one, whole and on the disk. */
export async function writeState(path: string, state: unknown): Promise<void> {
  const draft = `${path}.new`
  const file = await open(draft, 'w')
  try {
    await file.writeFile(JSON.stringify(state))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
