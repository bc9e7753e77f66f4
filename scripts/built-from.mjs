import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// What a long run of the simulator says of each seed: which commit it was that held.
const root = fileURLToPath(new URL('..', import.meta.url))
const file = fileURLToPath(new URL('../dist/chaos/sim/built-from', import.meta.url))
try {
  const args = ['describe', '--always', '--dirty', '--exclude=*', '--abbrev=12']
  writeFileSync(file, execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
} catch {
  rmSync(file, { force: true })
}
