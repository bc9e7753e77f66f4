import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { LiveCluster, ROOT, waitForBrokers } from './cluster-process.ts'
import { type ExampleProgram, runThroughKill } from './exactly-once.ts'
import { movedText } from './guide-ports.ts'
import { followPage, runInTerminal } from './guide-run.ts'
import { compareJepsen, lackOfJepsen } from './jepsen/compare-jepsen.ts'
import { compareNewerNode, newerNodeAdvice, newerNodeCommand } from './newer-node.ts'
import { type GuideCommand, readGuide } from './guide-text.ts'

/**
 * `npm run conformance [-- NAME…]`: what docs/grpc.md says, typed as it stands there: its programs in other languages than our own, against a
 * cluster whose leader dies, and grpcurl; seeds of the simulator under a newer Node; and Jepsen's own checker on histories of ours, where it is at hand.
 * Packages are installed by name, into a folder that goes away again, the newer Node into npm's cache.
 */
const PAGE = 'docs/grpc.md'
const START_LIMIT_MS = 180_000
/** Addresses, topic and count: the last words of a program's command. */
const ARGUMENTS = 3

interface Language {
  /** Prints what was installed, in the folder of the program. */
  readonly versions: string
  /** Whose preparation it goes on from. */
  readonly after?: string
}

const languages: Readonly<Record<string, Language>> = {
  python: { versions: "env/bin/python --version; env/bin/pip list --disable-pip-version-check --format=freeze | grep -E '^(grpcio|protobuf)'" },
  go: {
    versions: `go version; go version -m bin/* | awk '$1 == "mod" { print $2 "@" $3 }'; go version -m exactly-once | awk '$1 == "dep" { print $2 "@" $3 }'`,
    after: 'python',
  },
  node: {
    versions:
      "echo node $(node --version); for one in grpc-js proto-loader; do node -p \"const it = require('./node_modules/@grpc/$one/package.json'); it.name + '@' + it.version\"; done",
  },
}
const TOOL = 'grpcurl'
const SEEDS = 'newer-node'
const JEPSEN = 'jepsen'
/** What needs no cluster of its own. */
const alone: Readonly<Record<string, () => Promise<readonly string[]>>> = { [SEEDS]: compareNewerNode, [JEPSEN]: compareJepsen }

/** What must be there before anything is installed. */
const needs: readonly { readonly command: string; readonly names: readonly string[]; readonly advice: string }[] = [
  { command: 'python3 -m venv --help', names: ['python', 'go'], advice: 'install Python 3.9 or newer with venv and pip (Debian: python3-venv)' },
  { command: newerNodeCommand, names: [SEEDS], advice: newerNodeAdvice },
  { command: 'go version', names: ['go', TOOL], advice: 'install Go 1.26 or newer (https://go.dev/dl)' },
]

/** The project as far as the programs see it; each language is prepared once. */
class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), 'oxbow-conformance-'))
  readonly #programs = new Map<string, Promise<ExampleProgram>>()
  readonly #commands: readonly GuideCommand[]

  constructor(commands: readonly GuideCommand[]) {
    this.#commands = commands
    for (const path of ['proto', 'examples/grpc']) cpSync(join(ROOT, path), join(this.folder, path), { recursive: true })
  }

  program(name: string): Promise<ExampleProgram> {
    const known = this.#programs.get(name) ?? this.#prepare(name)
    this.#programs.set(name, known)
    return known
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }

  /** Types all but the last command, which is the program. */
  async #prepare(name: string): Promise<ExampleProgram> {
    const { versions, after } = languages[name] as Language
    if (after !== undefined) await this.program(after)
    const typed = this.#commands.filter((step) => step.needs === name).map((step) => step.command)
    const [command = '', ...args] = (typed.pop() ?? '').split(' ').slice(0, -ARGUMENTS)
    if (command === '') throw new Error(`${PAGE} has no block with needs=${name}`)
    const folder = join(this.folder, 'examples/grpc', name)
    await this.#type(name, typed.join('\n'), this.folder)
    const installed = await this.#type(name, versions, folder)
    console.log(`${name}: installed ${installed.join(', ')}`)
    return { name, command: command.startsWith('./') || command.includes('/') ? join(folder, command) : command, args, folder }
  }

  async #type(name: string, script: string, folder: string): Promise<readonly string[]> {
    const running = runInTerminal(`set -e\n${script}`, folder)
    const code = await running.ended
    if (code !== 0) throw new Error(`what ${PAGE} says for ${name} ended with ${code}:\n${script}\n${running.lines.join('\n')}`)
    return running.lines
  }
}

/** The page's commands of grpcurl, and what they print, on the ports of this cluster. */
async function useTool(cluster: LiveCluster, workspace: Workspace, page: string): Promise<readonly string[]> {
  const bin = join(workspace.folder, 'bin')
  mkdirSync(bin, { recursive: true })
  const env = { GOBIN: bin, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` }
  const steps = readGuide(movedText(page, { portBase: cluster.portBase, env: {} })).filter((step) => step.type === 'command' && step.needs === TOOL)
  const client = cluster.client()
  await waitForBrokers(client, cluster.nodeIds.length, START_LIMIT_MS)
  await client.close()
  const holds = await followPage({ path: PAGE, steps, folder: workspace.folder, env, passOver: () => undefined })
  return holds && steps.length > 0 ? [] : [`${PAGE} is not true of ${TOOL}`]
}

async function lacking(asked: readonly string[]): Promise<string[]> {
  const missing: string[] = []
  for (const { command, names, advice } of needs) {
    if (!names.some((name) => asked.includes(name))) continue
    if ((await runInTerminal(command, ROOT).ended) !== 0) missing.push(`"${command}" does not work here: ${advice}`)
  }
  return missing
}

/** What keeps one from being tried is a fault like any other: the next one is tried all the same. */
async function faultsOf(name: string, cluster: LiveCluster, workspace: Workspace, page: string): Promise<readonly string[]> {
  try {
    return name === TOOL ? await useTool(cluster, workspace, page) : await runThroughKill(cluster, await workspace.program(name))
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

/** Says whether it holds, and how long that took. */
async function judge(name: string, find: () => Promise<readonly string[]>): Promise<boolean> {
  const began = performance.now()
  const faults = await find()
  for (const fault of faults) console.error(`error: ${name}: ${fault}`)
  console.log(`${name}: ${faults.length === 0 ? 'holds' : 'does not hold'} (${Math.round((performance.now() - began) / 1000)} s)`)
  return faults.length === 0
}

/** Answers how many of them did not hold. */
async function conform(asked: readonly string[]): Promise<number> {
  const others = asked.filter((name) => alone[name] === undefined)
  let failed = 0
  for (const [name, find] of Object.entries(alone)) if (asked.includes(name) && !(await judge(name, find))) failed += 1
  return others.length === 0 ? failed : failed + (await conformToPage(others))
}

/** The same of those that need a cluster. */
async function conformToPage(asked: readonly string[]): Promise<number> {
  const page = readFileSync(join(ROOT, PAGE), 'utf8')
  const workspace = new Workspace(readGuide(page).filter((step) => step.type === 'command'))
  const cluster = await LiveCluster.create('conformance')
  let failed = 0
  try {
    cluster.startAll()
    for (const name of asked) if (!(await judge(name, () => faultsOf(name, cluster, workspace, page)))) failed += 1
    await cluster.stopAll()
  } finally {
    await cluster.dispose({ keep: failed > 0 })
    workspace.remove()
  }
  return failed
}

async function main(args: readonly string[]): Promise<number> {
  const known = [...Object.keys(languages), TOOL, SEEDS, JEPSEN]
  const named = args.length === 0 ? known : args
  const unknown = named.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    console.error(`usage: npm run conformance [-- NAME…], of ${known.join(', ')}; there is no ${unknown}`)
    return 2
  }
  const lack = named.includes(JEPSEN) ? await lackOfJepsen() : undefined
  if (lack !== undefined) console.log(`${JEPSEN}: skipped: ${lack}`)
  const asked = named.filter((name) => name !== JEPSEN || lack === undefined)
  const missing = await lacking(asked)
  for (const sentence of missing) console.error(`error: ${sentence}`)
  if (missing.length > 0) return 2
  const failed = await conform(asked)
  console.log(`${asked.length - failed} passed, ${failed} failed, ${named.length - asked.length} skipped`)
  return failed === 0 ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2))
