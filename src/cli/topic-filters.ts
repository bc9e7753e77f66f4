import type { Admin } from '../client/admin.ts'
import type { TopicDescription } from './topic-names.ts'

type Partition = TopicDescription['partitions'][number]

/** As commander hands them over; Kafka's names. A topic or partition that any of them names is shown; without any, all are. */
export interface HealthFilters {
  readonly unhealthy?: boolean
  readonly underReplicatedPartitions?: boolean
  readonly unavailablePartitions?: boolean
  readonly underMinIsrPartitions?: boolean
  readonly atMinIsrPartitions?: boolean
}

export function isUnderReplicated({ isr, replicas }: Partition): boolean {
  return isr.length < replicas.length
}

export function isUnavailable({ leader }: Partition): boolean {
  return leader === -1
}

export function replicationFactorOf(topic: TopicDescription): number {
  return Math.max(0, ...topic.partitions.map((partition) => partition.replicas.length))
}

const MIN_ISR = 'min.insync.replicas'

/** What the topic or the cluster file says, else a majority (rules R1.1). */
export async function minInSyncReplicas(admin: Admin, topics: readonly TopicDescription[]): Promise<ReadonlyMap<string, number>> {
  if (topics.length === 0) return new Map()
  const resources = await admin.describeConfigs({ topics: topics.map((topic) => topic.name) })
  const values = new Map(resources.map(({ name, entries }) => [name, entries.find((entry) => entry.name === MIN_ISR)?.value ?? null]))
  return new Map(
    topics.map((topic) => {
      const value = values.get(topic.name) ?? null
      return [topic.name, value === null ? Math.floor(replicationFactorOf(topic) / 2) + 1 : Number(value)]
    }),
  )
}

function needsMinIsr(filters: HealthFilters): boolean {
  return filters.unhealthy === true || filters.underMinIsrPartitions === true || filters.atMinIsrPartitions === true
}

export function hasFilter(filters: HealthFilters): boolean {
  return needsMinIsr(filters) || filters.underReplicatedPartitions === true || filters.unavailablePartitions === true
}

function matches(partition: Partition, filters: HealthFilters, minIsr: number): boolean {
  const isUnderMin = partition.isr.length < minIsr
  return (
    (filters.unhealthy === true && (isUnavailable(partition) || isUnderReplicated(partition) || isUnderMin)) ||
    (filters.underReplicatedPartitions === true && isUnderReplicated(partition)) ||
    (filters.unavailablePartitions === true && isUnavailable(partition)) ||
    (filters.underMinIsrPartitions === true && isUnderMin) ||
    (filters.atMinIsrPartitions === true && partition.isr.length === minIsr)
  )
}

/** The topics with a partition that the filters name, each with those partitions alone; all of them without a filter. */
export async function filtered(admin: Admin, topics: readonly TopicDescription[], filters: HealthFilters): Promise<TopicDescription[]> {
  if (!hasFilter(filters)) return [...topics]
  const minIsr: ReadonlyMap<string, number> = needsMinIsr(filters) ? await minInSyncReplicas(admin, topics) : new Map()
  return topics
    .map((topic) => ({ ...topic, partitions: topic.partitions.filter((one) => matches(one, filters, minIsr.get(topic.name) ?? 0)) }))
    .filter((topic) => topic.partitions.length > 0)
}
