import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { AttachedCluster } from '../../../chaos/live/attached-cluster.ts'
import { ChaosExperiment } from '../../../chaos/live/chaos-run.ts'
import { openStage, type Schedule, type Stage } from '../../../chaos/live/stage.ts'
import type { ChaosRunOptions } from '../../../chaos/live/run-options.ts'
import { BrokerError } from '../../../src/base/errors.ts'
import { Admin } from '../../../src/client/admin.ts'
import { OxbowClient } from '../../../src/client/client.ts'
import { CliCluster } from '../../cli/harness.ts'

vi.mock(import('../../../chaos/live/stage.ts'), () => ({ openStage: vi.fn() }))

let folder = ''
beforeEach(() => {
  vi.useFakeTimers()
  folder = mkdtempSync(join(tmpdir(), 'oxbow-experiment-'))
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

/** Three nodes that only pretend, and what is done to them and in which order. */
class Scene {
  readonly cluster = new CliCluster()
  readonly log: string[] = []
  /** Clients of the load never come to an end. */
  hangs = false
  /** What comes of an attempt to make a topic. */
  refusal: BrokerError | undefined
  startsWith: Promise<void> = Promise.resolve()
  endSchedule: () => void = () => undefined
  /** What is undone when the schedule is stopped takes so long. */
  healMs = 0
  readonly stuck: string[] = []
  readonly options: ChaosRunOptions
  readonly stage: Stage

  constructor(isAttached: boolean) {
    this.cluster.brokers = [1, 2, 3].map((nodeId) => ({ ...this.cluster.brokers[0]!, nodeId, host: `n${nodeId}`, state: 'running' }))
    const target = {
      nodeIds: [1, 2, 3],
      upNodes: [1, 2, 3],
      addresses: [1, 2, 3].map((node) => ({ host: `n${node}`, port: 9192 })),
      clientHosts: 3,
      deaths: [],
      openClient: () => this.#client(),
      openTransport: () => this.cluster,
      openDirectClient: () => this.#direct(),
      recover: () => undefined,
      start: () => this.startsWith,
      close: async () => void this.log.push('target closed'),
    }
    this.options = {
      ...(isAttached ? { attached: target as unknown as AttachedCluster } : {}),
      faults: [],
      timeMs: 1_000,
      nodes: 3,
      rate: 100,
      seed: 1,
      out: join(folder, 'out'),
      producer: { acks: 'all', deliveryTimeoutMs: 5_000 },
      topicConfigs: {},
    } as ChaosRunOptions
    this.stage = {
      target: target as unknown as Stage['target'],
      topicPrefix: '',
      topicConfigs: {},
      schedule: () => this.#schedule(),
      copies: async () => undefined,
      clear: async () => void this.log.push('cleared'),
    }
    vi.mocked(openStage).mockImplementation(async () => this.stage)
  }

  #schedule(): Schedule {
    const { stuck } = this
    return {
      records: [],
      failures: [],
      stuck,
      current: [],
      stop: () => {
        this.log.push('schedule stopped')
        setTimeout(() => this.endSchedule(), this.healMs)
      },
      run: (forMs) =>
        new Promise((resolve) => {
          this.endSchedule = () => {
            this.log.push('healed')
            this.endSchedule = () => undefined
            resolve()
          }
          setTimeout(resolve, forMs)
        }),
    }
  }

  #client(): OxbowClient {
    if (this.hangs) return { producer: () => silent, consumer: () => silent, admin: () => silent, close: async () => undefined } as unknown as OxbowClient
    return new OxbowClient({ bootstrap: this.cluster.fake.bootstrap, transport: this.cluster, requestTimeoutMs: 3_000 })
  }

  #direct(): OxbowClient {
    const client = new OxbowClient({ bootstrap: this.cluster.fake.bootstrap, transport: this.cluster, requestTimeoutMs: 3_000 })
    const [admin, close] = [client.admin(), client.close.bind(client)]
    const { refusal } = this
    if (refusal !== undefined) admin.createTopic = () => Promise.reject(refusal)
    client.admin = () => admin
    client.close = () => {
      this.log.push('direct closed')
      return close()
    }
    return client
  }
}

/** What never answers, whatever it is asked. */
const silent = new Proxy({}, { get: () => () => new Promise(() => undefined) })

/** Lets time pass until it is settled. */
async function passing<T>(promise: Promise<T>): Promise<T> {
  let isSettled = false
  const settle = (): void => void (isSettled = true)
  promise.then(settle, settle)
  while (!isSettled) await vi.advanceTimersByTimeAsync(500)
  return await promise
}

describe('an experiment', () => {
  it('comes to its end, and leaves nothing of its own', async () => {
    const scene = new Scene(true)
    const run = await passing(new ChaosExperiment(scene.options).run())
    expect(run).toMatchObject({ hung: [], notHealed: undefined, unread: [], failures: [] })
    expect(run.acknowledged).toBeGreaterThan(10)
    expect(scene.log).toEqual(['cleared', 'direct closed', 'target closed'])
    expect(readdirSync(scene.options.out).sort()).toEqual(['history.jsonl', 'registers.jsonl'])
  })

  it('waits no longer than a client may take, and says so', async () => {
    const scene = new Scene(false)
    scene.hangs = true
    const run = await passing(new ChaosExperiment(scene.options).run())
    expect(run).toMatchObject({ hung: ['what they did when the load was stopped: not within 65 s'], unread: [], copies: undefined })
    expect(scene.log.at(-1)).toBe('target closed')
  })

  it('looks at no copies where the cluster is not whole any more once all is read', async () => {
    const scene = new Scene(false)
    let looked = false
    scene.stage.copies = async () => {
      looked = true
      return undefined
    }
    const experiment = new ChaosExperiment(scene.options)
    const running = experiment.run()
    while (experiment.status.phase !== 'reading everything') await vi.advanceTimersByTimeAsync(10)
    vi.spyOn(Admin.prototype, 'describeCluster').mockRejectedValue(new BrokerError('INVALID_REQUEST', 'not any more'))
    const run = await passing(running)
    expect([run.notHealed, looked]).toEqual([expect.stringContaining('not any more'), false])
  })
})

describe('an experiment that is broken off', () => {
  it('ends what is being opened, however often it is told', async () => {
    const scene = new Scene(false)
    let open: (stage: Stage) => void = () => undefined
    vi.mocked(openStage).mockImplementation(
      () =>
        new Promise((resolve) => {
          open = resolve
        }),
    )
    const experiment = new ChaosExperiment(scene.options)
    const running = experiment.run()
    running.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(1)
    const ended: number[] = []
    for (const time of [1, 2]) void experiment.breakOff().then(() => ended.push(time))
    await vi.advanceTimersByTimeAsync(1_000)
    expect([ended, scene.log]).toEqual([[], []])
    open(scene.stage)
    await vi.advanceTimersByTimeAsync(1_000)
    expect([ended, scene.log]).toEqual([[1, 2], ['target closed']])
    await expect(running).rejects.toThrow('it was broken off')
  })

  it('heals a cluster that runs already, and deletes what is its own there, before it goes', async () => {
    const scene = new Scene(true)
    scene.healMs = 3_000
    scene.stuck.push('what voters did did not pass: every node votes')
    const experiment = new ChaosExperiment({ ...scene.options, timeMs: 3_600_000 })
    const running = experiment.run()
    running.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(scene.log).toEqual([])
    const ends = [experiment.breakOff(), experiment.breakOff()]
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await Promise.all(ends)).toEqual([scene.stuck, scene.stuck])
    expect(scene.log.filter((line) => line !== 'schedule stopped')).toEqual(['healed', 'cleared', 'direct closed', 'target closed'])
    await expect(running).rejects.toThrow('it was broken off')
  })

  it('does not wait for the faults of nodes that go with it', async () => {
    const scene = new Scene(false)
    scene.healMs = 1e9
    const experiment = new ChaosExperiment({ ...scene.options, timeMs: 3_600_000 })
    const running = experiment.run()
    running.catch(() => undefined)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await passing(experiment.breakOff())).toEqual([])
    expect(scene.log.at(-1)).toBe('target closed')
  })
})

describe('an experiment that is not to be', () => {
  it('leaves the folder as good as new where no topic can be as asked', async () => {
    const scene = new Scene(false)
    scene.cluster.maxReplicationFactor = 1
    scene.stage.target.start = async () => writeFileSync(join(scene.options.out, 'cluster.yaml'), '')
    await expect(passing(new ChaosExperiment(scene.options).run())).rejects.toMatchObject({
      name: 'RefusedTopicError',
      message: 'no topic can be as asked: said the fake',
    })
    expect([readdirSync(scene.options.out), scene.log.at(-1)]).toEqual([[], 'target closed'])
  })

  it.each([
    ['starts', (scene: Scene) => void (scene.startsWith = Promise.reject(new Error('3 brokers are alive: not within 60000 ms')))],
    ['opens', () => void vi.mocked(openStage).mockRejectedValue(new Error('no free ports were found'))],
    ['answers', (scene: Scene) => void (scene.refusal = new BrokerError('REQUEST_TIMED_OUT', 'nobody answers'))],
  ])('says that nothing was begun where no cluster %s', async (_, spoil) => {
    const scene = new Scene(false)
    spoil(scene)
    await expect(passing(new ChaosExperiment(scene.options).run())).rejects.toMatchObject({
      name: 'NotBegunError',
      message: expect.stringContaining('there was no cluster to begin with: '),
    })
    expect(existsSync(join(scene.options.out, 'history.jsonl'))).toBe(false)
  })

  it('says as it is that a cluster that runs already does not answer', async () => {
    const scene = new Scene(true)
    scene.refusal = new BrokerError('REQUEST_TIMED_OUT', 'nobody answers')
    await expect(passing(new ChaosExperiment(scene.options).run())).rejects.toBeInstanceOf(BrokerError)
  })
})
