import type { AnomalyName } from './anomaly.ts'

/** What a history may show and still be valid. */
export interface Profile {
  readonly name: string
  readonly allowed: ReadonlySet<AnomalyName>
  /** Allowed as well where consumers subscribe: a partition may go to another between two polls. */
  readonly allowedToSubscribers: ReadonlySet<AnomalyName>
}

const movedPartitions: ReadonlySet<AnomalyName> = new Set<AnomalyName>(['poll-skip', 'nonmonotonic-poll'])

export const profiles = {
  /** The rules of this log: nothing is allowed that they forbid. */
  oxbow: { name: 'oxbow', allowed: new Set<AnomalyName>(), allowedToSubscribers: movedPartitions },
  /** Kafka's transactions do not isolate writes: what two of them write may interleave in the log. */
  kafka: {
    name: 'kafka',
    allowed: new Set<AnomalyName>(['int-send-skip', 'G0', 'G0-process', 'G0-realtime', 'G1c', 'G1c-process', 'G1c-realtime']),
    allowedToSubscribers: movedPartitions,
  },
} as const satisfies Record<string, Profile>
