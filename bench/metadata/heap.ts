import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What is alive on the heap and beside it, after a collection. */
export function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
