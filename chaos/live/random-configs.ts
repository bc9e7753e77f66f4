import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '../../src/base/random.ts'
import { drawCluster, render } from '../random-config.ts'
import { onLines, whenEnded } from './cli-process.ts'
import { BIN, findPortBase } from './cluster-process.ts'

const MOST_NODES = 3
const DEFAULT_CONFIGS = 50
const START_LIMIT_MS = 120_000

/** `oxbow dev` with a cluster file, up to the first acknowledged record, then `whileUp`, and a clean stop. Answers what went wrong; undefined: nothing. */
export async function startsAndStops(path: string, dataFolder: string, whileUp: () => Promise<void> = async () => {}): Promise<string | undefined> {
  const dev = spawn(process.execPath, [BIN, 'dev', '--config', path, '--data', dataFolder], { stdio: ['ignore', 'pipe', 'pipe'] })
  let isStarted = false
  let failure: unknown
  const said: string[] = []
  onLines(dev.stdout, (line) => {
    if (!line.startsWith('First acknowledged record')) return
    isStarted = true
    whileUp()
      .catch((error: unknown) => void (failure = error))
      .finally(() => dev.kill('SIGINT'))
  })
  onLines(dev.stderr, (line) => said.push(line))
  const limit = setTimeout(() => dev.kill('SIGINT'), START_LIMIT_MS)
  const code = await whenEnded(dev)
  clearTimeout(limit)
  if (failure !== undefined) throw failure
  return isStarted && code === 0 ? undefined : `${isStarted ? `ended with ${code}` : 'acknowledged no record'}\n${said.join('\n')}`
}

async function tryConfig(seed: number): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'oxbow-config-'))
  const path = join(folder, 'cluster.yaml')
  const fromPort = (await findPortBase(3 * MOST_NODES)) + 1
  writeFileSync(path, render(drawCluster(new SeededRandom(seed), { maxNodes: MOST_NODES, fromPort }).file).text)
  const wrong = await startsAndStops(path, join(folder, 'dev'))
  if (wrong !== undefined) return `seed ${seed} (${path}) ${wrong}`
  rmSync(folder, { recursive: true, force: true })
  return undefined
}

/** `configs [COUNT] [FIRST_SEED]`: cluster files drawn at random, each started as real processes. */
export async function randomConfigs([count = String(DEFAULT_CONFIGS), first = '1']: readonly string[]): Promise<boolean> {
  let failures = 0
  for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
    const wrong = await tryConfig(seed)
    console.log(wrong ?? `config ${seed}: started, one record acknowledged, stopped`)
    if (wrong !== undefined) failures++
  }
  console.log(`${Number(count) - failures} of ${count} random cluster files started as processes`)
  return failures === 0
}
