import { UsageError } from './failure.ts'

/** `1:2:3,2:3:1` → brokers of each partition, preferred leader first. */
export function parseAssignment(text: string): number[][] {
  return text.split(',').map((part, at) => {
    const brokers = part.split(':').map((one) => (/^\d+$/.test(one) ? Number(one) : Number.NaN))
    if (brokers.some(Number.isNaN)) throw new UsageError(`"${part}" is no list of broker ids for partition ${at}`, 'for example --assignment 1:2:3,2:3:1')
    return brokers
  })
}
