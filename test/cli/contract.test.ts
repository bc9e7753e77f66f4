import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import type { CliContext } from '../../src/cli/context.ts'
import { buildProgram } from '../../src/cli/program.ts'
import { type ContractCase, contractCases, dataless, misfit, testedElsewhere } from './contract-cases.ts'
import { CliCluster, oxbow } from './harness.ts'

interface Leaf {
  readonly name: string
  readonly command: Command
}

function walk(command: Command, path: readonly string[] = []): Leaf[] {
  if (command.commands.length === 0) return [{ name: path.join(' '), command }]
  return command.commands.flatMap((one) => walk(one, [...path, one.name()]))
}

function groups(command: Command, path: readonly string[] = []): Leaf[] {
  if (command.commands.length === 0) return []
  return [{ name: path.join(' '), command }, ...command.commands.flatMap((one) => groups(one, [...path, one.name()]))]
}

const sink = { writableLength: 0, write: () => true }
const program = buildProgram({ context: { stdout: sink, stderr: sink } as unknown as CliContext, finish: () => undefined }, '0')
const leaves = walk(program)

async function run({ args, command, code = 0, setting, prepare }: ContractCase, output: 'table' | 'json'): Promise<string> {
  const cluster = new CliCluster()
  cluster.fake.addTopic('orders', 2)
  await prepare?.(cluster)
  const ran = await oxbow([...command.split(' '), ...args, '-o', output], { ...setting, cluster })
  expect(ran.code, ran.stderr).toBe(code)
  return ran.stdout
}

describe('every command', () => {
  it.each([...leaves, ...groups(program)].map((leaf) => leaf.name))('%s shows an example first, which names it', async (name) => {
    const { stdout } = await oxbow([...name.split(' ').filter((word) => word !== ''), '--help'])
    const [heading, first = ''] = stdout.split('\n')
    expect(heading).toBe('Example:')
    expect(first).toContain(`npx oxbow ${name}`.trim())
  })

  it.each(leaves.filter((leaf) => !dataless.has(leaf.name)).map((leaf) => leaf.name))('%s takes -o json, and has a case in contract-cases.ts', (name) => {
    const options = leaves.find((leaf) => leaf.name === name)?.command.options ?? []
    expect(options.find((option) => option.long === '--output')?.argChoices).toEqual(['table', 'json'])
    const elsewhere = testedElsewhere.get(name)
    if (elsewhere === undefined) expect(contractCases.map((one) => one.command)).toContain(name)
    else {
      const words = name.split(' ').map((word) => `'${word}'`)
      const test = readFileSync(join(import.meta.dirname, elsewhere), 'utf8')
      expect(test).toContain(`[${words.join(', ')}`)
      expect(test).toContain("'json'")
    }
  })

  it('of the lists is in the command tree', () => {
    const names = leaves.map((leaf) => leaf.name)
    for (const name of [...contractCases.map((one) => one.command), ...dataless.keys(), ...testedElsewhere.keys()]) expect(names).toContain(name)
  })
})

describe('the answer of', () => {
  it.each(contractCases.map((one) => [one.command, one] as const))('%s has as JSON the fields of cli.md', async (_name, one) => {
    const stdout = await run(one, 'json')
    expect(stdout.endsWith('\n')).toBe(true)
    const lines = stdout.split('\n').slice(0, -1)
    if (one.isLines !== true) expect(lines).toHaveLength(1)
    for (const line of lines) expect(misfit(JSON.parse(line), one.json)).toBeUndefined()
  })

  it.each(contractCases.map((one) => [one.command, one] as const))('%s is a table by itself', async (_name, one) => {
    const stdout = await run(one, 'table')
    expect(stdout).toMatch(one.table)
    // Colour is for terminals alone.
    expect(stdout).not.toContain('\u001b')
  })
})
