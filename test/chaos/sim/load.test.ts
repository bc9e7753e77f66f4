import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { History } from '../../../chaos/history.ts'
import { Load } from '../../../chaos/sim/load.ts'
import type { Clock } from '../../../src/base/clock.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import type { OxbowClient } from '../../../src/client/client.ts'
import type { Producer } from '../../../src/client/producer.ts'

/** A client whose calls never end: each counts. */
function askingClient(): { client: OxbowClient; asked: () => number } {
  let asked = 0
  const ask = (): Promise<never> => {
    asked += 1
    return new Promise(() => {})
  }
  const admin = { alterMaintenance: ask, addVoter: ask, removeVoter: ask, listTopics: ask, createTopic: ask }
  return { client: { admin: () => admin } as unknown as OxbowClient, asked: () => asked }
}

/** Waits are over when somebody says so. */
function waitingClock(): { clock: Clock; pass: () => Promise<void> } {
  const waiting: (() => void)[] = []
  const clock = { after: (_: number, then: () => void) => waiting.push(then), monotonicMs: () => 0 } as unknown as Clock
  const pass = async (): Promise<void> => {
    for (const then of waiting.splice(0)) then()
    await setImmediate()
  }
  return { clock, pass }
}

describe('operators of the load', () => {
  it('begin nothing while they rest, and what they began before is counted until it has an outcome', async () => {
    const { clock, pass } = waitingClock()
    const { client, asked } = askingClient()
    const ignore = (): void => {}
    const load = new Load({ clock, history: new History(), acknowledged: ignore, deleted: ignore, failed: ignore })
    const random = new SeededRandom(1)
    void load.maintain(client, { gapMs: 100, brokers: [1, 2, 3], random })
    load.letOperatorsRest(true)
    void load.changeVoters(client, { gapMs: 100, controllers: [1, 2, 3], voters: 3, least: 1, random })
    void load.passTopics(client, {} as Producer, { gapMs: 100, replicationFactor: 3, random })
    for (let waits = 0; waits < 20; waits++) await pass()
    expect([asked(), load.operations]).toEqual([0, 0])

    load.letOperatorsRest(false)
    await pass()
    expect([asked(), load.operations]).toEqual([3, 3])
  })
})
