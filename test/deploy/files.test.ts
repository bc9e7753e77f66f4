import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readGuide } from '../../chaos/live/guide-text.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { loadCluster } from '../../src/node/config.ts'

/** What no test can start here (systemd, containers) is held against the files and commands that it names. */
const ROOT = join(import.meta.dirname, '../..')
const DEPLOY = join(ROOT, 'deploy')
const read = (name: string): string => readFileSync(join(DEPLOY, name), 'utf8')

/** Whether the words are a command of Oxbow with options that it has. */
function expectOxbow(words: readonly string[]): void {
  let command = buildProgram({ context: undefined as never, finish: () => undefined }, '0') as Command
  for (const word of words) {
    const sub = command.commands.find((one) => one.name() === word)
    if (sub !== undefined) command = sub
    else if (word.startsWith('--')) expect(command.options.map((option) => option.long)).toContain(word)
  }
  expect(command.parent).not.toBeNull()
}

describe('deploy/README.md', () => {
  const commands = readGuide(read('README.md')).flatMap((step) => (step.type === 'command' ? [step] : []))

  it('names every file of the folder, and none that there is not', () => {
    const files = readdirSync(DEPLOY).filter((name) => name !== 'README.md' && !name.endsWith('.dockerignore'))
    expect(files.filter((name) => !read('README.md').includes(`](${name})`))).toEqual([])
    const named = commands.flatMap(({ command }) => command.match(/deploy\/[\w.-]+/g) ?? [])
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })

  it('runs commands of compose on services and profiles of its file, and commands of Oxbow that there are', () => {
    const { services } = parse(read('compose.yaml'), { merge: true }) as { services: Record<string, { profiles?: string[] }> }
    const composed = commands.flatMap(({ command }) => /compose --file deploy\/compose.yaml (.*)$/.exec(command)?.[1] ?? [])
    expect(composed.length).toBe(5)
    for (const line of composed) {
      const words = line.split(' ')
      const profile = words.indexOf('--profile')
      if (profile >= 0) expect(Object.values(services).flatMap((one) => one.profiles ?? [])).toContain(words[profile + 1])
      if (words[0] === 'run') expectOxbow(words.slice(words.indexOf('cli') + 1))
      if (words[0] === 'restart') expect(Object.keys(services)).toContain(words[1])
    }
  })
})

describe('deploy/oxbow.service', () => {
  const lines = read('oxbow.service')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))

  it('is sections of keys, each with a value or an empty one', () => {
    expect(lines.filter((line) => line.startsWith('['))).toEqual(['[Unit]', '[Service]', '[Install]'])
    expect(lines.filter((line) => !line.startsWith('[') && !/^[A-Z]\w+=/.test(line))).toEqual([])
  })

  it('starts a node as the command line has it', () => {
    const [, start = ''] = /^ExecStart=(.*)$/m.exec(read('oxbow.service')) ?? []
    expect(start.startsWith('/usr/bin/env oxbow server ')).toBe(true)
    expectOxbow(start.split(' ').slice(2))
  })
})

interface Service {
  readonly hostname?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly volumes?: readonly string[]
  readonly networks?: readonly string[]
}

describe('deploy/compose.yaml', () => {
  const composed = parse(read('compose.yaml'), { merge: true }) as { services: Record<string, Service>; volumes: object; networks: object }
  const services = Object.entries(composed.services)

  it('mounts files and volumes, and joins networks, that there are', () => {
    const sources = services.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] as string))
    expect(sources.filter((source) => source.startsWith('./') && !existsSync(join(DEPLOY, source)))).toEqual([])
    expect(sources.filter((source) => !source.startsWith('./') && !Object.hasOwn(composed.volumes, source))).toEqual([])
    expect(services.flatMap(([, { networks = [] }]) => networks).filter((name) => !Object.hasOwn(composed.networks, name))).toEqual([])
    expect(services.every(([, { build }]) => build === undefined || existsSync(join(DEPLOY, build.context, build.dockerfile)))).toBe(true)
  })

  it('runs the nodes of its cluster file, each under its own name', async () => {
    const { nodes, warnings } = await loadCluster(join(DEPLOY, 'compose-cluster.yaml'))
    expect(warnings).toEqual([])
    const started = services.filter(([, { command }]) => command?.[0] === 'server')
    expect(started.map(([name]) => name)).toEqual(nodes.map(({ options }) => options.address.host))
    for (const [at, [name, { command = [], hostname, environment = {} }]] of started.entries()) {
      expectOxbow(command)
      expect([hostname, command.at(-1)]).toEqual([name, String(nodes[at]?.options.nodeId)])
      expect(environment.OXBOW_READYZ).toBe(`http://${name}:${nodes[at]?.options.address.httpPort}/readyz`)
    }
    const targets = (parse(read('prometheus.yml')) as { scrape_configs: { static_configs: { targets: string[] }[] }[] }).scrape_configs[0]?.static_configs[0]
    expect(targets?.targets).toEqual(nodes.map(({ options: { address } }) => `${address.host}:${address.httpPort}`))
  })

  it('has alerts in the file that Prometheus reads', () => {
    expect((parse(read('prometheus.yml')) as { rule_files: string[] }).rule_files.every((name) => existsSync(join(DEPLOY, name)))).toBe(true)
  })
})

describe('deploy/Dockerfile', () => {
  const lines = read('Dockerfile')
    .replaceAll('\\\n', '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))

  it('is instructions that Docker knows', () => {
    const known = ['FROM', 'WORKDIR', 'COPY', 'RUN', 'USER', 'VOLUME', 'ENV', 'EXPOSE', 'STOPSIGNAL', 'HEALTHCHECK', 'ENTRYPOINT', 'CMD']
    expect(lines.filter((line) => !known.includes(line.split(' ')[0] as string))).toEqual([])
  })

  it('copies what is in the project, and starts a node as the command line has it', () => {
    const copied = lines.filter((line) => line.startsWith('COPY ') && !line.includes('--from=')).flatMap((line) => line.split(' ').slice(1, -1))
    expect(copied.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
    const listOf = (instruction: string): string[] =>
      JSON.parse(lines.find((line) => line.startsWith(`${instruction} `))?.slice(instruction.length) ?? '[]') as string[]
    expect(listOf('ENTRYPOINT')).toEqual(['oxbow'])
    expectOxbow(listOf('CMD'))
  })
})
