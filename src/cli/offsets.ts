import { type CliContext, headingStyle } from './context.ts'
import { exitCode } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { withAdmin, writeJson } from './session.ts'
import { renderTable } from './table.ts'

export async function showOffsets(context: CliContext, options: ClusterOptions, topic: string, at: 'earliest' | 'latest'): Promise<number> {
  const found = await withAdmin(context, options, (admin) => admin.listOffsets(topic, at))
  const rows = found.map(({ partition, offset }) => ({ topic, partition, offset }))
  if (options.output === 'json') {
    writeJson(context, rows)
    return exitCode.done
  }
  const table = renderTable(
    [
      { heading: 'Topic', value: (row) => row.topic },
      { heading: 'Partition', value: (row) => row.partition, right: true },
      { heading: 'Offset', value: (row) => row.offset, right: true },
    ],
    rows,
    headingStyle(context),
  )
  context.stdout.write(table)
  return exitCode.done
}
