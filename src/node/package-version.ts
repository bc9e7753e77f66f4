import { readFileSync } from 'node:fs'

/** Where package.json lies as seen from here: in dist, and in the sources. */
const PLACES = ['../../../package.json', '../../package.json']

/** The version of this package; 'unknown' when its package.json is not where it belongs. */
export function packageVersion(): string {
  for (const place of PLACES) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as { name?: string; version?: string }
      if (name === 'oxbow' && version !== undefined) return version
    } catch {
      // Not there; the next place.
    }
  }
  return 'unknown'
}
