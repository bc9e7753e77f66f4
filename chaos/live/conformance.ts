import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { LiveCluster, ROOT } from './cluster-process.ts'
import { type ExampleProgram, runThroughKill } from './exactly-once.ts'

/**
 * `npm run conformance [-- LANGUAGE…]`: the programs of docs/grpc.md, in other languages than our own, against a cluster whose leader dies.
 * What they need is installed by package name into a folder that goes away again.
 */
const PROTO = join(ROOT, 'proto')
const PROTO_FILES = ['oxbow/v1/broker.proto', 'oxbow/v1/admin.proto']
const GO_PACKAGE = 'example.com/exactlyonce/oxbowv1'
const GO_TOOLS = ['google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.12', 'google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.2']
const PYTHON_PACKAGES = ['grpcio', 'grpcio-tools']

async function run(command: string, args: readonly string[], options: { readonly folder: string; readonly env?: NodeJS.ProcessEnv }): Promise<void> {
  console.log(`$ ${command} ${args.join(' ')}`)
  const child = spawn(command, args, { cwd: options.folder, stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...options.env } })
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${command} ${args[0] ?? ''} ended with ${code}`)
}

/** An interpreter with gRPC's packages of PyPI, its protoc among them; made once. */
class Python {
  readonly #folder: string
  #made: Promise<string> | undefined

  constructor(scratch: string) {
    this.#folder = join(scratch, 'python-packages')
  }

  get interpreter(): Promise<string> {
    this.#made ??= this.#make()
    return this.#made
  }

  async #make(): Promise<string> {
    await run('python3', ['-m', 'venv', this.#folder], { folder: ROOT })
    const interpreter = join(this.#folder, 'bin', 'python')
    await run(interpreter, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PYTHON_PACKAGES], { folder: ROOT })
    return interpreter
  }
}

async function preparePython(scratch: string, python: Python): Promise<ExampleProgram> {
  const folder = join(scratch, 'python')
  cpSync(join(ROOT, 'examples/grpc/python'), folder, { recursive: true })
  const interpreter = await python.interpreter
  await run(interpreter, ['-m', 'grpc_tools.protoc', `-I${PROTO}`, '--python_out=.', '--grpc_python_out=.', ...PROTO_FILES], { folder })
  return { name: 'python', command: interpreter, args: ['exactly_once.py'], folder }
}

async function prepareGo(scratch: string, python: Python): Promise<ExampleProgram> {
  const folder = join(scratch, 'go')
  const tools = join(scratch, 'go-tools')
  cpSync(join(ROOT, 'examples/grpc/go'), folder, { recursive: true })
  for (const tool of GO_TOOLS) await run('go', ['install', tool], { folder, env: { GOBIN: tools } })
  const outputs = ['go', 'go-grpc'].flatMap((plugin) => [
    `--${plugin}_out=.`,
    `--${plugin}_opt=module=example.com/exactlyonce`,
    ...PROTO_FILES.map((file) => `--${plugin}_opt=M${file}=${GO_PACKAGE}`),
  ])
  const env = { PATH: `${tools}${delimiter}${process.env.PATH ?? ''}` }
  await run(await python.interpreter, ['-m', 'grpc_tools.protoc', `-I${PROTO}`, ...outputs, ...PROTO_FILES], { folder, env })
  await run('go', ['build', '-o', 'exactly-once', '.'], { folder })
  return { name: 'go', command: join(folder, 'exactly-once'), args: [], folder }
}

const nodeProgram: ExampleProgram = { name: 'node', command: process.execPath, args: ['exactly-once.mjs'], folder: join(ROOT, 'examples/grpc/node') }

const languages: Readonly<Record<string, (scratch: string, python: Python) => Promise<ExampleProgram>>> = {
  python: preparePython,
  go: prepareGo,
  node: async () => nodeProgram,
}

/** What must be there before anything is installed. */
const needs: readonly { readonly command: string; readonly args: readonly string[]; readonly languages: readonly string[]; readonly advice: string }[] = [
  { command: 'python3', args: ['-m', 'venv', '--help'], languages: ['python', 'go'], advice: 'Python 3.9 or newer with venv and pip (Debian: python3-venv)' },
  { command: 'go', args: ['version'], languages: ['go'], advice: 'Go 1.26 or newer' },
]

async function lacking(asked: readonly string[]): Promise<string[]> {
  const missing: string[] = []
  for (const { command, args, languages: users, advice } of needs) {
    if (!users.some((language) => asked.includes(language))) continue
    const child = spawn(command, args, { stdio: 'ignore' })
    const code = await new Promise<number | null>((resolve) => child.once('error', () => resolve(-1)).once('close', resolve))
    if (code !== 0) missing.push(`${command} does not work here: install ${advice}`)
  }
  return missing
}

async function main(args: readonly string[]): Promise<number> {
  const asked = args.length === 0 ? Object.keys(languages) : args
  const unknown = asked.find((name) => languages[name] === undefined)
  if (unknown !== undefined) {
    console.error(`usage: npm run conformance [-- LANGUAGE…], one of ${Object.keys(languages).join(', ')}; there is no ${unknown}`)
    return 2
  }
  const missing = await lacking(asked)
  for (const sentence of missing) console.error(`error: ${sentence}`)
  if (missing.length > 0) return 2
  const failed = await conform(asked)
  console.log(`${asked.length - failed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

/** Answers how many of them did not hold. */
async function conform(asked: readonly string[]): Promise<number> {
  const scratch = mkdtempSync(join(tmpdir(), 'oxbow-conformance-'))
  const python = new Python(scratch)
  const cluster = await LiveCluster.create('conformance')
  let failed = 0
  try {
    cluster.startAll()
    for (const name of asked) {
      const faults = await holds(cluster, () => (languages[name] as (typeof languages)[string])(scratch, python))
      for (const fault of faults) console.error(`error: ${name}: ${fault}`)
      if (faults.length > 0) failed += 1
      console.log(`${name}: ${faults.length === 0 ? 'holds' : 'does not hold'}`)
    }
    await cluster.stopAll()
  } finally {
    await cluster.dispose({ keep: failed > 0 })
    rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
  }
  return failed
}

/** What keeps a program from being tried is a fault like any other: the next one is tried all the same. */
async function holds(cluster: LiveCluster, prepare: () => Promise<ExampleProgram>): Promise<readonly string[]> {
  try {
    return await runThroughKill(cluster, await prepare())
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

process.exitCode = await main(process.argv.slice(2))
