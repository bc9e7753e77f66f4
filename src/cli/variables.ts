import { describeFault } from '../node/config-faults.ts'
import { UsageError } from './failure.ts'

type Variables = Readonly<Record<string, string | undefined>>

/** The one that most people have set; what looks at the rest is loaded when there is a rest. */
const COMMON = 'OXBOW_BOOTSTRAP'

/** A variable of ours that nobody knows is misspelt: ignored, it would leave a default in place that its owner does not expect. */
export async function refuseUnknownVariables(env: Variables): Promise<void> {
  if (!Object.keys(env).some((name) => name.startsWith('OXBOW_') && name !== COMMON)) return
  const { unknownVariables } = await import('../node/environment.ts')
  const [first] = unknownVariables(env)
  if (first !== undefined) throw new UsageError(`environment: ${describeFault(first)}`, 'correct it, or unset it')
}

/** The nodes that `oxbow dev` starts read the environment: what they would refuse is refused here, and what is of one node, which would be said to all. */
export async function checkDevVariables(env: Variables): Promise<void> {
  const { nodeVariablesIn, readEnvironment } = await import('../node/environment.ts')
  const [fault] = readEnvironment(env).faults
  if (fault !== undefined) throw new UsageError(`environment: ${describeFault(fault)}`, 'correct it, or unset it')
  const [first] = nodeVariablesIn(env)
  if (first !== undefined)
    throw new UsageError(`${first} is for one node, and oxbow dev starts several`, `unset ${first}; --data, --port-base and --config are for oxbow dev`)
}
