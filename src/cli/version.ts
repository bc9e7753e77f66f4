import type { CliContext, OutputFormat } from './context.ts'
import { exitCode } from './failure.ts'
import { writeJson } from './session.ts'
import { renderFields } from './table.ts'

/** What a report of a fault should begin with. */
export function showVersion(context: CliContext, version: string, output: OutputFormat): number {
  const { versions, platform, arch } = process
  if (output === 'json') writeJson(context, { version, node: versions.node, v8: versions.v8, platform, arch })
  else
    context.stdout.write(
      renderFields([
        ['Oxbow', version],
        ['Node', versions.node],
        ['V8', versions.v8],
        ['Platform', `${platform} ${arch}`],
      ]),
    )
  return exitCode.done
}
