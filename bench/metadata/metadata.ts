import { benchCommit } from './commit.ts'
import { benchManyFailovers } from './failover.ts'
import { benchImage } from './image.ts'
import { benchRestart } from './restart.ts'

export const metadataParts = ['image', 'restart', 'commit', 'failover'] as const
export type MetadataPart = (typeof metadataParts)[number]

export interface MetadataBenchOptions {
  /** Undefined: all. */
  readonly only: MetadataPart | undefined
  readonly partitions: number
  readonly decisions: number
  readonly led: readonly number[]
}

/** `bench metadata`: what many partitions and many decisions cost. */
export async function benchMetadata({ only, partitions, decisions, led }: MetadataBenchOptions): Promise<void> {
  const parts: Readonly<Record<MetadataPart, () => Promise<void>>> = {
    image: () => benchImage(partitions),
    restart: async () => {
      await benchRestart({ partitions, decisions: 0 })
      await benchRestart({ partitions, decisions })
    },
    commit: () => benchCommit(),
    failover: async () => {
      for (const count of led) await benchManyFailovers(count)
    },
  }
  for (const part of metadataParts) if (only === undefined || only === part) await parts[part]()
}
