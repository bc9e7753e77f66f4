import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { withPoison } from '../../chaos/sim/poison.ts'
import { Story, type StoryOptions } from './story.ts'

const FOLDER = join(import.meta.dirname, 'testdata')
const SLOW_MS = 60_000

/** UPDATE_TRANSCRIPTS=1 rewrites the files with what is told now: read the difference before you commit it. */
const mayUpdate = process.env.UPDATE_TRANSCRIPTS === '1'

/**
 * A story of a simulated cluster, told by its steps and held against testdata/NAME.txt. Whatever it does, all is healed in the end, and every
 * acknowledged record is read back; the invariants of rules 7 are looked at after every step of every node on the way.
 */
export function scenario(name: string, title: string, play: (story: Story) => Promise<void>, options: StoryOptions = {}): void {
  it(`${name}: ${title}`, { timeout: SLOW_MS }, async () => {
    const lines = [`# ${title}`]
    const story = new Story((line) => lines.push(line), options)
    try {
      await withPoison(async () => {
        await story.begin()
        await play(story)
        await story.end()
      })
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\nTold so far:\n${lines.join('\n')}`, { cause: error })
    }
    const told = `${lines.join('\n')}\n`
    const path = join(FOLDER, `${name}.txt`)
    if (mayUpdate) writeFileSync(path, told)
    else expect(told).toBe(existsSync(path) ? readFileSync(path, 'utf8') : '')
  })
}
