import { execFileSync } from 'node:child_process'
import { beforeAll, describe, expect, it } from 'vitest'
import { oxbow } from './harness.ts'

let script = ''
beforeAll(async () => {
  script = (await oxbow(['completion', 'bash'])).stdout
})

/** What bash offers for the last of these words. */
function offered(...words: readonly string[]): string[] {
  const quoted = ['oxbow', ...words].map((word) => `'${word}'`).join(' ')
  const asked = `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _oxbow; printf '%s\\n' "\${COMPREPLY[@]}"`
  const lines = execFileSync('bash', ['--norc', '-c', `${script}\n${asked}`], { encoding: 'utf8' }).split('\n')
  return lines.filter((line) => line !== '').sort()
}

describe('completion bash', () => {
  it('offers commands, and those below them', () => {
    expect(offered('')).toEqual(expect.arrayContaining(['topic', 'produce', 'consume', 'doctor', '--version', '--help']))
    expect(offered('to')).toEqual(['topic'])
    expect(offered('topic', 'de')).toEqual(['delete', 'describe'])
    expect(offered('quorum', 'w')).toEqual(['watch'])
    expect(offered('nonsense', 'q')).toEqual(['quorum'])
  })

  it('offers the options of the command before the cursor, whatever stands between', () => {
    expect(offered('topic', 'create', '--part')).toEqual(['--partitions'])
    expect(offered('topic', 'create', 'orders', '--partitions', '3', '--re')).toEqual(['--replication-factor'])
    expect(offered('produce', 'logs', '--tem')).toEqual(['--template'])
    expect(offered('topic', 'list', '--partitions')).toEqual([])
  })

  it('offers the few words that an option or argument takes', () => {
    expect(offered('topic', 'list', '-o', '')).toEqual(['json', 'table'])
    expect(offered('produce', 'logs', '--acks', 'a')).toEqual(['all'])
    expect(offered('completion', 'z')).toEqual(['zsh'])
    expect(offered('config', 'describe', 'b')).toEqual(['broker'])
  })
})

describe('completion', () => {
  it.each([
    ['zsh', [/^#compdef oxbow\n/, "'create:create a topic'", "'--partitions:how many partitions'", "'topic create')", 'compadd -- table json']],
    [
      'fish',
      [
        /^# fish completion of oxbow/,
        `complete -c oxbow -f -n '__oxbow_at "topic"' -a create -d 'create a topic'`,
        `-n '__oxbow_at "topic create"' -l partitions`,
        `-s o -d 'table for eyes, json for programs' -x -a 'table json'`,
      ],
    ],
  ])('%s has the tree, its texts and the words of options', async (shell, parts) => {
    const { code, stdout } = await oxbow(['completion', shell])
    expect(code).toBe(0)
    for (const part of parts) expect(stdout).toMatch(typeof part === 'string' ? new RegExp(part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')) : part)
  })

  it('of another shell is a usage error', async () => {
    expect((await oxbow(['completion', 'tcsh'])).code).toBe(2)
  })
})
