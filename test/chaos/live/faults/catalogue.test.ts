import { describe, expect, it } from 'vitest'
import { chooseClientFaults, chooseFaults, faultGroups, faults } from '../../../../chaos/live/faults/catalogue.ts'
import { addChaosCommands } from '../../../../src/cli/program/chaos-commands.ts'
import { Command } from 'commander'

const names = (list: string, nodes = 5): string[] => chooseFaults(list, nodes).map(({ name }) => name)

describe('the faults', () => {
  it('have names of their own, none of which is a group', () => {
    const all = faults.map(({ name }) => name)
    expect(new Set(all).size).toBe(all.length)
    for (const name of all) expect(Object.hasOwn(faultGroups, name)).toBe(false)
  })

  it('are all in the help of oxbow chaos run', () => {
    const program = new Command()
    addChaosCommands(program, { context: undefined as never, finish: () => undefined })
    const run = program.commands[0]?.commands.find((one) => one.name() === 'run')
    const help = run?.options.find(({ long }) => long === '--faults')?.description.split(/[\s,;:]+/)
    expect(help).toEqual(expect.arrayContaining([...faults.map(({ name }) => name), ...Object.keys(faultGroups)]))
  })

  it('are chosen by name and by group, each once', () => {
    expect(names('kill, pause,kill')).toEqual(['kill', 'pause'])
    expect(names('kill,process').filter((name) => name === 'kill')).toHaveLength(1)
    expect(names('none')).toEqual([])
    expect(names('partition').every((name) => name.startsWith('partition-'))).toBe(true)
    expect(names('all')).toEqual(expect.arrayContaining(['partition-ring', 'stall', 'kill-all']))
  })

  it('under which nothing is promised are done only where they are named', () => {
    for (const group of ['all', 'network']) expect(names(group)).not.toContain('corrupt')
    expect(names('corrupt')).toEqual(['corrupt'])
  })

  it('of a group that would come to nothing are refused: nothing done is no proof', () => {
    expect(() => names('partition', 2)).toThrow('no fault of "partition" can be done here, with 2 nodes')
    expect(() => names('kill-all,disk', 1)).toThrow('no fault of "disk" can be done here, with 1 node')
    expect(() => chooseClientFaults('disk', 5)).toThrow('no fault of "disk" can be done here, with 5 nodes')
    expect(names('none', 1)).toEqual([])
  })

  it('of a group are those that can be with so many nodes; one that is named and cannot be is refused', () => {
    expect(names('partition', 3)).not.toContain('partition-ring')
    expect(names('all', 1)).toEqual(['clients-cut', 'delay', 'rate', 'stall', 'reset', 'kill-all', 'clock-offset'])
    expect(() => names('partition-ring', 3)).toThrow('partition-ring needs 5 nodes or more, not 3')
    expect(() => names('kil', 3)).toThrow('there is no fault "kil", did you mean kill?')
    expect(() => names('processes', 3)).toThrow('there is no fault "processes", did you mean process?')
    expect(() => names('earthquake', 3)).toThrow(/there is no fault "earthquake"$/)
    expect(() => names('constructor', 3)).toThrow('there is no fault "constructor"')
  })
})
