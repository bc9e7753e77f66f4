import { damage } from './damage.ts'
import { firstStart } from './first-start.ts'
import { everyPage, firstTenMinutes } from './guide.ts'
import { killLeaders } from './kill-leaders.ts'
import { randomConfigs } from './random-configs.ts'

/** `npm run story -- NAME [ARGS]`: each tells what it does and ends with 1 when a promise does not hold. */
const stories: Readonly<Record<string, { readonly about: string; readonly run: (args: readonly string[]) => Promise<boolean> }>> = {
  'first-start': { about: 'clone, npm ci, npm start, produce, consume, Ctrl-C; the milliseconds to the first acknowledged record', run: firstStart },
  'first-ten-minutes': { about: 'clone, then every command of the README and the quickstart, and what it prints', run: firstTenMinutes },
  docs: { about: '[PAGE…]: the same for every page of docs, examples and deploy', run: everyPage },
  'kill-leaders': {
    about: '[--lines N] [--kills N] [FILE]: leaders die by SIGKILL while a real file flows; every acknowledged line is read back',
    run: killLeaders,
  },
  configs: { about: '[COUNT] [FIRST_SEED]: cluster files drawn at random (50), each started as real processes up to a record', run: randomConfigs },
  damage: { about: '[CASE…]: torn tails, flipped bytes, lost folders, a wiped node; each is noticed, said and repaired', run: damage },
}

async function main([name = '', ...args]: readonly string[]): Promise<number> {
  const story = stories[name]
  if (story === undefined) {
    console.error(
      `usage: npm run story -- NAME\n${Object.entries(stories)
        .map(([known, { about }]) => `  ${known.padEnd(18)}${about}`)
        .join('\n')}`,
    )
    return 2
  }
  try {
    const holds = await story.run(args)
    console.log(holds ? `story ${name}: holds` : `story ${name}: does not hold`)
    return holds ? 0 : 1
  } catch (error) {
    console.error(`story ${name}: broke off: ${error instanceof Error ? error.stack : String(error)}`)
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
