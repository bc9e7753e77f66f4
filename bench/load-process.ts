import { type LoadOptions, runLoad } from './load.ts'

/** The client of a measurement in a process of its own: options as JSON in the first argument, the result as JSON on stdout. */
process.stdout.write(`${JSON.stringify(await runLoad(JSON.parse(process.argv[2] ?? '{}') as LoadOptions))}\n`)
