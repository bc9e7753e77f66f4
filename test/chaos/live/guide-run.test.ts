import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { movedText } from '../../../chaos/live/guide-ports.ts'
import { followPage } from '../../../chaos/live/guide-run.ts'
import { readGuide } from '../../../chaos/live/guide-text.ts'

const folder = mkdtempSync(join(tmpdir(), 'oxbow-guide-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function follow(blocks: string, once?: Map<string, boolean>) {
  const said: string[] = []
  const holds = await followPage({
    path: 'page.md',
    steps: readGuide(blocks),
    folder,
    timeoutMs: 1_000,
    stopTimeoutMs: 500,
    say: (line) => said.push(line.split(' (')[0] as string),
    ...(once && { once }),
  })
  return { holds, said }
}

describe('a reader who follows a page', () => {
  it('is content when every command does what the page shows', async () => {
    const page = "```js file=two.mjs\nconsole.log(1 + 1)\n```\n```console\n$ node two.mjs\n2\n$ echo 'id 17'\nid …\n$ exit 3  # exits 3\n```"
    expect(await follow(page)).toEqual({ holds: true, said: ['ok   page.md:5: node two.mjs', "ok   page.md:7: echo 'id 17'", 'ok   page.md:9: exit 3'] })
  })

  it.each([
    ['a command that fails', '$ false', 'FAIL page.md:2: false ended with 1, not 0:\n'],
    ['a command that there is not', '$ nosuchcommand', 'FAIL page.md:2: nosuchcommand ended with 127'],
    ['a command that should fail and does not', '$ true # exits 1', 'FAIL page.md:2: true ended with 0, not 1'],
    ['another output', '$ echo 3 partitions\n2 partitions', 'FAIL page.md:2: echo 3 partitions printed\n3 partitions\nbut the guide shows\n2 partitions'],
    ['more output', '$ seq 1 2\n1', 'FAIL page.md:2: seq 1 2 printed\n1\n2\nbut'],
    ['one that does not end', '$ sleep 60', 'FAIL page.md:2: sleep 60 was not done within 1000 ms'],
  ])('is told of %s', async (_, commands, line) => {
    const { holds, said } = await follow(`\`\`\`console\n${commands}\n\`\`\``)
    expect(holds).toBe(false)
    expect(said[0]).toContain(line)
  })

  it('is told of what should stay and ends, or prints something else, and goes no further', async () => {
    const more = '\n```\n```console\n$ touch went-on\n```'
    for (const command of ['echo ready', 'echo other; sleep 60']) {
      const { holds, said } = await follow(`\`\`\`console stays\n$ ${command}\nserving${more}`)
      expect([holds, said.length, existsSync(join(folder, 'went-on'))]).toEqual([false, 1, false])
    }
  })

  it('ends what stays with Ctrl-C, and is told when that is not enough', async () => {
    expect((await follow('```console stays\n$ echo up; exec sleep 60\nup\n```')).holds).toBe(true)
    const { said } = await follow("```console stays\n$ trap '' INT; echo up; sleep 60\nup\n```")
    expect(said.at(-1)).toBe('FAIL page.md: Ctrl-C did not stop what stays in its terminal')
  })

  it('passes over what the page says is not for everybody, if somebody else answers for it', async () => {
    expect(await follow('```console needs=docker\n$ false\n```')).toEqual({ holds: true, said: ['skip page.md:2: false'] })
    await expect(follow('```console needs=luck\n$ true\n```')).rejects.toThrow('nobody answers for needs=luck')
  })

  it('does once what is enough once, unless it failed', async () => {
    const once = new Map([
      ['true', false],
      ['false', false],
    ])
    const page = '```console\n$ true\n$ true\n$ false\n$ false\n```'
    expect((await follow(page, once)).said.map((line) => line.slice(0, 4))).toEqual(['ok  ', 'skip', 'FAIL', 'FAIL'])
  })
})

it('a page is moved to other ports, and nothing else of it', () => {
  const page = '$ npx oxbow dev --fresh\n$ npm start\n127.0.0.1:9192 http://127.0.0.1:9294/ oxbow-1:9192 127.0.0.1:19192 9191 127.0.0.1:9400/ grpcPort: 9193'
  expect(movedText(page, { portBase: 20_000, env: {} })).toBe(
    '$ npx oxbow dev --port-base 20000 --fresh\n$ npm start -- --port-base 20000\n127.0.0.1:20101 http://127.0.0.1:20203/ oxbow-1:9192 127.0.0.1:19192 9191 127.0.0.1:20300/ grpcPort: 20102',
  )
  expect(movedText(page, undefined)).toBe(page)
})
