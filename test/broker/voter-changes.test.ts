import { beforeEach, describe, expect, it } from 'vitest'
import type { BrokerError } from '../../src/base/errors.ts'
import { ImageWaiters } from '../../src/broker/queries.ts'
import { VoterChanges } from '../../src/broker/voter-changes.ts'
import type { ControllerCommand, ControllerReply } from '../../src/controller/commands.ts'
import { emptyImage, type MetadataImage } from '../../src/metadata/image.ts'
import type { VoterRecord } from '../../src/metadata/records.ts'
import type { ControllerClient } from '../../src/runtime/controller-client.ts'
import type { VotersChange } from '../../src/wire/api.ts'
import { World } from '../log/world.ts'

const voter = (nodeId: number): VoterRecord => ({ nodeId, directoryId: null, endpoint: null })

class Bench {
  readonly clock = new World().clock
  readonly waiters = new ImageWaiters(this.clock)
  readonly commands: ControllerCommand[] = []
  readonly outcomes: (VotersChange | string)[] = []
  image: MetadataImage = { ...emptyImage, offset: 5, voters: [voter(1), voter(2)] }
  reply: (reply: ControllerReply) => void = () => undefined
  readonly changes = new VoterChanges({
    clock: this.clock,
    waiters: this.waiters,
    image: () => this.image,
    controllerClient: {
      request: (command: ControllerCommand, _timeoutMs: number, done: (reply: ControllerReply) => void) => {
        this.commands.push(command)
        this.reply = done
      },
    } as unknown as ControllerClient,
  })

  ask(type: 'addVoter' | 'removeVoter', nodeId: number): void {
    this.changes.ask(type, { nodeId, directoryId: null, validateOnly: false, timeoutMs: 100 }, (error: BrokerError | Error | undefined, value) => {
      this.outcomes.push(error === undefined ? value : (error as BrokerError).code)
    })
  }

  changed(metadataOffset: number, isComplete: boolean, ...nodeIds: readonly number[]): void {
    this.reply({ type: 'votersChanged', metadataOffset, isChanged: true, isComplete, voters: nodeIds.map(voter), warnings: ['w'] })
  }

  apply(offset: number, ...nodeIds: readonly number[]): void {
    this.image = { ...this.image, offset, voters: nodeIds.map(voter) }
    this.waiters.applied()
  }

  run(ms: number): void {
    let isOver = false
    this.clock.after(ms, () => {
      isOver = true
    })
    while (!isOver) this.clock.step()
  }
}

let bench: Bench
beforeEach(() => {
  bench = new Bench()
})

describe('changes of the voters', () => {
  it('are answered when this node has applied them', () => {
    bench.ask('addVoter', 3)
    bench.changed(6, true, 1, 2, 3)
    bench.run(10)
    expect(bench.outcomes).toEqual([])
    bench.apply(6, 1, 2, 3)
    const voters = [1, 2, 3].map((nodeId) => ({ nodeId, directoryId: null }))
    expect(bench.outcomes).toEqual([{ isChanged: true, voters, warnings: ['w'] }])
  })

  it('that take two decisions are asked for again', () => {
    bench.ask('addVoter', 2)
    bench.changed(6, false, 1)
    bench.apply(6, 1)
    expect(bench.commands).toHaveLength(2)
    bench.changed(7, true, 1, 2)
    bench.apply(7, 1, 2)
    expect(bench.outcomes).toMatchObject([{ voters: [{ nodeId: 1 }, { nodeId: 2 }] }])
  })

  it('that are not applied in time are indefinite, and refusals are passed on', () => {
    bench.ask('addVoter', 3)
    bench.changed(6, true, 1, 2, 3)
    bench.run(200)
    bench.ask('addVoter', 4)
    bench.reply({ type: 'error', code: 'VOTER_NOT_CONNECTED', message: 'no', definite: true })
    expect(bench.outcomes).toEqual(['REQUEST_TIMED_OUT', 'VOTER_NOT_CONNECTED'])
  })

  it('a removal that an earlier attempt did is done; one of a node that never was a voter is refused', () => {
    bench.ask('removeVoter', 2)
    bench.reply({ type: 'error', code: 'VOTER_NOT_FOUND', message: 'gone', definite: true })
    bench.apply(6, 1)
    expect(bench.outcomes).toEqual([{ isChanged: true, voters: [{ nodeId: 1, directoryId: null }], warnings: [] }])
    bench.ask('removeVoter', 9)
    bench.reply({ type: 'error', code: 'VOTER_NOT_FOUND', message: 'never', definite: true })
    expect(bench.outcomes[1]).toBe('VOTER_NOT_FOUND')
  })
})
