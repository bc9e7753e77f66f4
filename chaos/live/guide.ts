import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './cluster-process.ts'
import { moveCluster, movedText } from './guide-ports.ts'
import { followPage, runInTerminal } from './guide-run.ts'
import { readGuide } from './guide-text.ts'

/** What a newcomer reads first, in the order of reading. */
const FIRST_PAGES = ['README.md', 'docs/quickstart.md']
/** Where commands look for a cluster when nobody says where it is. */
const DEFAULTS = ['src/cli/options.ts', 'examples/log-analytics/stage.ts']
/** Each takes seconds, and once is enough in a clone. */
const ONCE = ['npm ci', 'npm run build']

function markdownFiles(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { withFileTypes: true })
  return names.flatMap((entry) => (entry.name.endsWith('.md') ? [`${folder}/${entry.name}`] : [])).sort()
}

/** Every page that shows commands to people who use Oxbow. */
function allPages(): string[] {
  const examples = readdirSync(join(ROOT, 'examples')).flatMap((name) => markdownFiles(`examples/${name}`))
  return [...new Set([...FIRST_PAGES, ...markdownFiles('docs'), ...examples, ...markdownFiles('deploy')])]
}

/** Clones what is committed and does what its pages say, command by command; compares what is printed where the page shows it. */
async function follow(pages: readonly string[]): Promise<boolean> {
  const scratch = mkdtempSync(join(tmpdir(), 'oxbow-guide-'))
  const folder = join(scratch, 'oxbow')
  try {
    const clone = runInTerminal(`git clone --quiet --no-hardlinks '${ROOT}' '${folder}'`, scratch)
    if ((await clone.ended) !== 0) throw new Error(clone.lines.join('\n'))
    const move = await moveCluster()
    if (move !== undefined) console.log(`the ports of the pages are taken: node i listens on ${move.portBase + 100}+i instead`)
    for (const name of [...DEFAULTS, ...readdirSync(join(folder, 'cluster-configs')).map((file) => join('cluster-configs', file))]) {
      const path = join(folder, name)
      writeFileSync(path, movedText(readFileSync(path, 'utf8'), move))
    }
    const once = new Map(ONCE.map((command) => [command, false]))
    let holds = true
    for (const path of pages) {
      // Each page is somebody's first.
      for (const data of ['data', 'cluster-configs/data']) rmSync(join(folder, data), { recursive: true, force: true })
      const steps = readGuide(movedText(readFileSync(join(folder, path), 'utf8'), move))
      holds = (await followPage({ path, steps, folder, once, env: move?.env ?? {} })) && holds
    }
    return holds
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
  }
}

export function firstTenMinutes(): Promise<boolean> {
  return follow(FIRST_PAGES)
}

export function everyPage(pages: readonly string[]): Promise<boolean> {
  return follow(pages.length > 0 ? ['README.md', ...pages.filter((page) => page !== 'README.md')] : allPages())
}
