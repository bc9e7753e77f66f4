import type { InternalCommand, PartitionRef } from '../../src/controller/commands.ts'
import { Sessions, type SessionsInput } from '../../src/controller/sessions.ts'
import type { BrokerStatus, LeaderlessReport } from '../../src/controller/status.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import type { Cluster } from './harness.ts'

/** An active controller on node 1 in a new term: its machine asks, and what it asks for is decided and applied only by `settle`. */
export class Term {
  readonly cluster: Cluster
  readonly ref: PartitionRef
  readonly sessions = new Sessions({ nodeId: 1 })
  asked: InternalCommand[] = []
  #shown: Cluster['image']

  constructor(made: { readonly cluster: Cluster; readonly ref: PartitionRef }) {
    this.cluster = made.cluster
    this.ref = made.ref
    this.cluster.view = this.sessions.view()
    this.#shown = made.cluster.image
    this.step({ type: 'image', image: this.cluster.image })
  }

  step(input: SessionsInput): InternalCommand[] {
    const commands = this.sessions.step(input).map((effect) => effect.command)
    this.asked.push(...commands)
    return commands
  }

  /** Runs what was asked and tells the machine of the image, with the delta of each entry. */
  settle(): void {
    while (this.asked.length > 0) {
      for (const command of this.asked.splice(0)) this.cluster.run(command)
      this.show()
    }
  }

  /** Tells the machine of every entry that it has not seen. */
  show(): void {
    const from = this.#shown
    for (const entry of this.cluster.entries.filter((candidate) => candidate.offset >= from.offset)) {
      const { image, delta } = applyEntries(this.#shown, [entry])
      this.#shown = image
      this.step({ type: 'image', image, delta })
    }
  }

  status(nodeId: number, changes: Partial<BrokerStatus> = {}): BrokerStatus {
    const { incarnationId, brokerEpoch } = this.cluster.broker(nodeId)
    return {
      incarnationId,
      brokerEpoch,
      appliedOffset: this.cluster.image.offset,
      wantsShutdown: false,
      diskLow: false,
      deadLogs: [],
      leaderless: [],
      ...changes,
    }
  }

  heard(nodeId: number, changes: Partial<BrokerStatus> = {}): InternalCommand[] {
    return this.step({ type: 'heard', nodeId, status: this.status(nodeId, changes) })
  }

  report(nodeId: number, report: Partial<LeaderlessReport> = {}): InternalCommand[] {
    const partitionEpoch = this.cluster.state(this.ref).partitionEpoch
    return this.heard(nodeId, { leaderless: [{ ...this.ref, partitionEpoch, lastEpoch: 0, syncedEndOffset: 10, suspect: false, damaged: false, ...report }] })
  }

  ticks(count: number, ...heard: readonly number[]): InternalCommand[] {
    const all: InternalCommand[] = []
    for (let tick = 0; tick < count; tick++) {
      for (const nodeId of heard) all.push(...this.heard(nodeId))
      all.push(...this.step({ type: 'tick' }))
    }
    return all
  }

  fence(nodeId: number): InternalCommand {
    return { type: 'fence', nodeId, brokerEpoch: this.cluster.broker(nodeId).brokerEpoch }
  }

  unfence(nodeId: number): InternalCommand {
    return { type: 'unfence', nodeId, brokerEpoch: this.cluster.broker(nodeId).brokerEpoch }
  }
}
