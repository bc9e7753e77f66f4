import { Command } from 'commander'
import { addChaosCommands } from './program/chaos-commands.ts'
import { addClusterCommands } from './program/cluster-commands.ts'
import { addConfigCommands } from './program/config-commands.ts'
import { addDumpCommands } from './program/dump-commands.ts'
import { addNodeCommands } from './program/node-commands.ts'
import { addOperationCommands } from './program/operation-commands.ts'
import { addReplicaCommands } from './program/replica-commands.ts'
import { addRecordCommands } from './program/record-commands.ts'
import { addSelfCommands } from './program/self-commands.ts'
import { addSimCommands } from './program/sim-commands.ts'
import { addTopicCommands } from './program/topic-commands.ts'
import { example, type Wiring } from './program/wiring.ts'

/** The whole command tree. Actions load what they need when they run, so that `oxbow topic list` starts fast. */
export function buildProgram(wiring: Wiring, version: string): Command {
  const { context } = wiring
  const program = new Command('oxbow')
    .description('A distributed log that keeps every acknowledged record.')
    .version(version, '--version', 'print the version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeOut: (text) => context.stdout.write(text), writeErr: (text) => context.stderr.write(text), outputError: () => undefined })
    .configureHelp({ helpWidth: 120, sortSubcommands: false })
  addNodeCommands(program, wiring)
  addConfigCommands(program, wiring)
  addTopicCommands(program, wiring)
  addRecordCommands(program, wiring)
  addClusterCommands(program, wiring)
  addReplicaCommands(program, wiring)
  addOperationCommands(program, wiring)
  addDumpCommands(program, wiring)
  addSimCommands(program, wiring)
  addChaosCommands(program, wiring)
  addSelfCommands(program, wiring, version)
  return example(
    program,
    'npx oxbow dev',
    'npx oxbow topic create orders',
    "echo 'a record' | npx oxbow produce orders",
    'npx oxbow consume orders --from-beginning',
  )
}
