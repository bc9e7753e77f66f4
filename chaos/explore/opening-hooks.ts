import { isOpened, openPrivateNames } from './open-cores.ts'

/** What a `load` hook of Node is given and gives (node:module, customization hooks). */
interface Loaded {
  readonly format: string
  readonly source: string | Uint8Array
  readonly shortCircuit?: boolean
}

/** Opens the cores as they are loaded. */
export async function load(url: string, context: object, nextLoad: (url: string, context: object) => Promise<Loaded>): Promise<Loaded> {
  const loaded = await nextLoad(url, context)
  if (!isOpened(url)) return loaded
  return { ...loaded, source: openPrivateNames(Buffer.from(loaded.source).toString()) }
}
