import { register } from 'node:module'

// Before anything of the cores is loaded.
register('./opening-hooks.js', import.meta.url)
const { runExplore } = await import('./run.ts')
process.exitCode = runExplore(process.argv.slice(2))
