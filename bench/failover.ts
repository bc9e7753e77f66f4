import { sleep, waitFor } from '../chaos/live/cluster-process.ts'
import type { OxbowClient } from '../src/client/client.ts'
import { withKillBench } from './kill-bench.ts'
import { aim, heading, line, quantile } from './report.ts'

const TOPIC = 'failover'
const AIM_MEDIAN_MS = 500
const SEND_EVERY_MS = 5
/** An acknowledgement that comes so soon after a kill was on its way already. */
const IN_FLIGHT_MS = 50
const roles = ['partition leader', 'active controller', 'both'] as const
type Role = (typeof roles)[number]

/** Sends one record at a time, again and again, and remembers when the last one that was acknowledged was sent. */
class Heartbeat {
  readonly #client: OxbowClient
  #sentAt = 0
  #acknowledgedAt = 0
  #stopped = false
  #running: Promise<void> | undefined

  constructor(client: OxbowClient) {
    this.#client = client
  }

  start(): void {
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    const producer = this.#client.producer({ lingerMs: 0 })
    while (!this.#stopped) {
      const sentAt = performance.now()
      await producer.send({ topic: TOPIC, partition: 0, value: 'beat' })
      this.#sentAt = sentAt
      this.#acknowledgedAt = performance.now()
      await sleep(SEND_EVERY_MS)
    }
    await producer.close()
  }

  /**
   * Waits for the next acknowledgement, ms from now. What was on its way counts from its acknowledgement if that took longer than a
   * healthy one: it waited for the failover too; one that only came through late says nothing.
   */
  async msToNext(timeoutMs: number): Promise<number> {
    const from = performance.now()
    const isAfter = (): boolean => this.#sentAt > from || this.#acknowledgedAt > from + IN_FLIGHT_MS
    return waitFor('the next acknowledged record', timeoutMs, () => (isAfter() ? this.#acknowledgedAt - from : undefined))
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }
}

interface Victims {
  readonly leader: number
  readonly controller: number
}

async function victims(client: OxbowClient): Promise<Victims> {
  const admin = client.admin()
  const { controllerId } = await admin.describeCluster()
  const [topic] = await admin.describeTopics([TOPIC])
  return { leader: topic?.partitions[0]?.leader ?? -1, controller: controllerId }
}

/** The node to kill for a role; undefined when nobody plays it now. */
function choose(role: Role, { leader, controller }: Victims): number | undefined {
  if (role === 'both') return leader === controller ? leader : undefined
  if (leader === controller) return undefined
  return role === 'partition leader' ? leader : controller
}

/** Kills until the roles lie as asked; what is killed on the way counts for the role that it plays. */
async function nextVictim(client: OxbowClient, left: ReadonlyMap<Role, number>): Promise<{ readonly role: Role; readonly nodeId: number }> {
  return waitFor('a node in a role that is still wanted', 60_000, async () => {
    const now = await victims(client)
    if (now.leader === -1 || now.controller === -1) return undefined
    for (const role of roles) {
      const nodeId = choose(role, now)
      if (nodeId !== undefined && (left.get(role) ?? 0) > 0) return { role, nodeId }
    }
    // Only roles that nobody plays are left: killing the leader moves it, uncounted.
    return { role: 'both', nodeId: now.leader }
  })
}

/** `bench failover --kills N`: SIGKILL of a node by its role, N times in all, and the ms to the next acknowledged record. */
export async function benchFailover(options: { readonly kills: number }): Promise<void> {
  await withKillBench(TOPIC, async ({ cluster, client, restart }) => {
    const heartbeat = new Heartbeat(client)
    heartbeat.start()
    await heartbeat.msToNext(30_000)
    const times = new Map<Role, number[]>(roles.map((role) => [role, []]))
    const left = new Map<Role, number>(roles.map((role, at) => [role, Math.floor(options.kills / roles.length) + (at < options.kills % roles.length ? 1 : 0)]))
    while ([...left.values()].some((count) => count > 0)) {
      const { role, nodeId } = await nextVictim(client, left)
      const killed = cluster.kill(nodeId)
      const ms = await heartbeat.msToNext(60_000)
      await killed
      if ((left.get(role) ?? 0) > 0) {
        left.set(role, (left.get(role) as number) - 1)
        times.get(role)?.push(ms)
        process.stderr.write(`  ${role} (node ${nodeId}): ${ms.toFixed(0)} ms\n`)
      }
      await restart(nodeId)
    }
    await heartbeat.stop()
    report(times)
  })
}

function report(times: ReadonlyMap<Role, readonly number[]>): void {
  heading('kill -9 to the next acknowledged record, ms')
  const all = [...times.values()].flat().sort((a, b) => a - b)
  for (const [role, list] of [...times, ['all', all] as const]) {
    const sorted = [...list].sort((a, b) => a - b)
    if (sorted.length === 0) continue
    const [min, median, p90, max] = [0, 0.5, 0.9, 1].map((share) => quantile(sorted, share).toFixed(0))
    line(`${role} (${sorted.length})`, `min ${min}  median ${median}  p90 ${p90}  max ${max}`)
  }
  aim(`median under ${AIM_MEDIAN_MS} ms`, quantile(all, 0.5) < AIM_MEDIAN_MS)
}
