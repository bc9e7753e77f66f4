import { readFileSync } from 'node:fs'
import { packageVersion } from '../../src/node/package-version.ts'

/** The commit that this was built from, as `npm run build` left it here; where it was built without git, the version of the package. */
export function builtFrom(): string {
  try {
    return readFileSync(new URL('built-from', import.meta.url), 'utf8').trim()
  } catch {
    return packageVersion()
  }
}
