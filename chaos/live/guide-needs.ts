import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Who answers for the commands of a block that the guide cannot run here. */
interface Need {
  /** A program on PATH with which they are run all the same. */
  readonly program?: string
  readonly otherwise: string
}

const CONFORMANCE = 'npm run conformance types it'

/** The words of `console needs=WORD`. Every other block is run, always. */
const needs: Readonly<Record<string, Need>> = {
  curl: { program: 'curl', otherwise: 'there is no curl here' },
  'systemd-analyze': { program: 'systemd-analyze', otherwise: 'there is no systemd here; test/deploy/files.test.ts reads the unit' },
  docker: { otherwise: 'test/deploy/files.test.ts reads the files that it names' },
  root: { otherwise: 'test/deploy/files.test.ts reads the files that it names' },
  python: { otherwise: CONFORMANCE },
  go: { otherwise: CONFORMANCE },
  node: { otherwise: CONFORMANCE },
  grpcurl: { otherwise: CONFORMANCE },
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Why a block with this need is not run here; undefined: it is. Throws for a word that nobody answers for. */
export function reasonNotToRun(word: string): string | undefined {
  const need = needs[word]
  if (need === undefined) throw new Error(`nobody answers for needs=${word}; there are ${Object.keys(needs).join(', ')}`)
  return need.program !== undefined && isOnPath(need.program) ? undefined : need.otherwise
}
