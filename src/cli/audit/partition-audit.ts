import type { Admin } from '../../client/admin.ts'
import { failureOf } from '../failure.ts'

export type BatchDigests = Awaited<ReturnType<Admin['digestBatches']>>
export type BatchDigest = BatchDigests['digests'][number]

export interface PartitionToAudit {
  readonly topic: string
  readonly partition: number
  /** −1: none. */
  readonly leader: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

export interface OffsetRange {
  readonly startOffset: number
  /** Batches that begin there or behind it are left out. */
  readonly endOffset: number
}

export interface AuditOptions {
  /** What the disk of that node has. */
  ask(nodeId: number, range: OffsetRange): Promise<BatchDigests>
  sleep(ms: number): Promise<void>
  /** So many bytes were read on every replica: resolves when more may be. */
  pace(bytes: number): Promise<void>
  isInterrupted(): boolean
}

/** damaged: the node itself found it bad. notCompared: from `comparedTo` on, or at its beginning. */
export type ReplicaOutcome = 'agrees' | 'differs' | 'damaged' | 'notCompared'

export interface AuditedReplica {
  readonly nodeId: number
  readonly outcome: ReplicaOutcome
  /** Exclusive: up to here it was read, and agrees. */
  readonly comparedTo: number
  readonly reason: string | null
}

/** What each replica has where some first differ. */
export interface Difference {
  readonly offset: number
  readonly versions: readonly Version[]
  /** Nodes whose version the others, more than half of all replicas, do not have; none: there is no such majority. */
  readonly minority: readonly number[]
}

export interface Version {
  readonly nodeId: number
  /** null: the node did not say, or has none there. */
  readonly batch: BatchDigest | null
  readonly file: string
  /** Bytes from the start of the file. */
  readonly position: number
}

export interface AuditedPartition extends PartitionToAudit {
  /** What was compared: from the log start up to the high watermark, as they were when it began. */
  readonly startOffset: number
  readonly endOffset: number
  readonly batches: number
  readonly bytes: number
  /** Undefined: the topic was deleted meanwhile. */
  readonly audited: readonly AuditedReplica[] | undefined
  readonly differences: readonly Difference[]
}

/** An in-sync replica has the high watermark within 200 ms (rules R6.7), unless it is slow. */
const LAG_MS = 5_000
const LOOK_AGAIN_MS = 100
const CONFIRMATIONS = 3
/** What a node finds is in the ISR within some heartbeats. */
const DECIDED_MS = 1_000
const MAX_DOUBTS = 5

interface Compared {
  readonly nodeId: number
  outcome: ReplicaOutcome | undefined
  comparedTo: number
  reason: string | null
  /** Where it begins, where that is behind what it should have. */
  begins: number
  /** Of its first difference; −1: there is none. */
  differsAt: number
  /** It was waited for in vain. */
  isLate: boolean
  /** Its node knows the topic no more. */
  isGone: boolean
}

type Failed = { readonly error: Error }

/**
 * Compares the replicas of one partition batch by batch, in pages, from the log start up to the high watermark. One of them is the reference, the leader where it
 * can be read: the others are asked for what it has. What is committed never changes, so neither writes nor a change of the leader disturb it; a log start that
 * moves shortens what is left. A difference counts only when it is there again when both are asked anew.
 */
export class PartitionAudit {
  readonly #partition: PartitionToAudit
  readonly #options: AuditOptions
  readonly #replicas: readonly Compared[]
  #startOffset = 0
  #endOffset = 0
  #batches = 0
  #bytes = 0
  #damaged = 0

  constructor(partition: PartitionToAudit, options: AuditOptions) {
    this.#partition = partition
    this.#options = options
    const { leader, isr, replicas } = partition
    const rank = (nodeId: number): number => (nodeId === leader ? 0 : isr.includes(nodeId) ? 1 : 2)
    const order = replicas.toSorted((a, b) => rank(a) - rank(b))
    this.#replicas = order.map((nodeId) => ({
      nodeId,
      outcome: undefined,
      comparedTo: 0,
      reason: null,
      begins: 0,
      differsAt: -1,
      isLate: false,
      isGone: false,
    }))
  }

  async run(): Promise<AuditedPartition> {
    await this.#begin()
    let from = this.#startOffset
    for (let reference = this.#next(); reference !== undefined && from < this.#endOffset && !this.#options.isInterrupted(); reference = this.#next()) {
      from = await this.#comparePage(reference, from)
    }
    if (this.#replicas.every(({ isGone }) => isGone)) return this.#result(undefined, [])
    for (const replica of this.#replicas) {
      if (replica.outcome === undefined) await this.#checkBeginning(replica)
      if (replica.outcome === undefined && from < this.#endOffset) this.#settle(replica, 'notCompared', 'the audit was interrupted')
      replica.outcome ??= 'agrees'
    }
    const offsets = [...new Set(this.#replicas.flatMap(({ differsAt }) => (differsAt < 0 ? [] : [differsAt])))].sort((a, b) => a - b)
    const differences: Difference[] = []
    for (const offset of offsets) {
      const versions = await this.#versions(offset)
      differences.push({ offset, versions, minority: minorityOf(versions) })
    }
    const audited = this.#replicas.map(({ nodeId, outcome, comparedTo, reason }) => ({ nodeId, outcome: outcome ?? 'agrees', comparedTo, reason }))
    return this.#result(
      audited.sort((a, b) => a.nodeId - b.nodeId),
      differences,
    )
  }

  #result(audited: AuditedPartition['audited'], differences: readonly Difference[]): AuditedPartition {
    return { ...this.#partition, startOffset: this.#startOffset, endOffset: this.#endOffset, batches: this.#batches, bytes: this.#bytes, audited, differences }
  }

  /** Finds out who answers, and what there is. */
  async #begin(): Promise<void> {
    const looks = await Promise.all(this.#replicas.map((replica) => this.#ask(replica, { startOffset: 0, endOffset: 0 })))
    looks.forEach((look, at) => {
      if ('error' in look) this.#fail(this.#replicas[at] as Compared, look.error)
    })
    const first = looks.find((look) => !('error' in look)) as BatchDigests | undefined
    if (first !== undefined) {
      this.#startOffset = first.logStartOffset
      this.#endOffset = first.endOffset
    }
    for (const replica of this.#replicas) replica.comparedTo = this.#startOffset
  }

  /** Undefined: nobody can be read any more. */
  #next(): Compared | undefined {
    return this.#replicas.find(({ outcome }) => outcome === undefined)
  }

  /** Answers where to go on. */
  async #comparePage(reference: Compared, from: number): Promise<number> {
    const page = await this.#ask(reference, { startOffset: from, endOffset: this.#endOffset })
    if ('error' in page) {
      this.#fail(reference, page.error)
      return from
    }
    const others = this.#replicas.filter((other) => other !== reference && other.outcome === undefined)
    await Promise.all(others.map((other) => this.#compare(other, reference, page)))
    const { digests, nextOffset, fault } = page
    const bytes = digests.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    this.#batches += digests.length
    this.#bytes += bytes
    reference.comparedTo = nextOffset
    if (fault !== null) this.#settle(reference, 'damaged', fault)
    else if (nextOffset <= from) this.#settle(reference, 'notCompared', `it has nothing committed at offset ${from} any more`)
    // A node knows which replicas its own one may do without once the controller has decided on those that were found bad.
    const damaged = this.#replicas.filter(({ outcome }) => outcome === 'damaged').length
    if (damaged > this.#damaged) await this.#options.sleep(DECIDED_MS)
    this.#damaged = damaged
    await this.#options.pace(bytes)
    return Math.max(from, nextOffset)
  }

  /** Asks a replica for what the reference has, and compares. */
  async #compare(other: Compared, reference: Compared, page: BatchDigests): Promise<void> {
    let at = 0
    for (let doubts = 0; at < page.digests.length; ) {
      const wanted = page.digests[at] as BatchDigest
      const startOffset = Math.max(wanted.baseOffset, page.logStartOffset)
      const answer = await this.#askCaughtUp(other, { startOffset, endOffset: page.nextOffset })
      if ('error' in answer) return this.#fail(other, answer.error)
      const before = at
      // It begins behind that: whether it may is seen at the end.
      while (at < page.digests.length && (page.digests[at] as BatchDigest).lastOffset < answer.logStartOffset) at++
      if (answer.logStartOffset > startOffset) other.begins = Math.max(other.begins, answer.logStartOffset)
      for (const digest of answer.digests) {
        const expected = page.digests[at]
        if (expected !== undefined && isSame(digest, expected)) {
          other.comparedTo = digest.lastOffset + 1
          at++
          continue
        }
        const offset = Math.min(digest.baseOffset, expected?.baseOffset ?? digest.baseOffset)
        if (await this.#isConfirmed(other, reference, offset))
          return this.#differ(other, offset, `it first differs from node ${reference.nodeId} at offset ${offset}`)
        if (++doubts === MAX_DOUBTS) return this.#settle(other, 'notCompared', `it changed at offset ${offset} again and again while it was read`)
        break
      }
      if (answer.fault !== null) return this.#settle(other, 'damaged', answer.fault)
      if (answer.digests.length > 0 || at > before) continue
      if (answer.endOffset >= page.nextOffset) return this.#differ(other, startOffset, `it has no batch that holds offset ${startOffset}`)
      return this.#settle(other, 'notCompared', `what is committed there ends at offset ${answer.endOffset}`)
    }
    other.comparedTo = page.nextOffset
  }

  /** Again and again while a replica in sync has not heard of the high watermark yet. */
  async #askCaughtUp(replica: Compared, range: OffsetRange): Promise<BatchDigests | Failed> {
    const isInSync = this.#partition.isr.includes(replica.nodeId)
    for (let waitedMs = 0; ; waitedMs += LOOK_AGAIN_MS) {
      const answer = await this.#ask(replica, range)
      if ('error' in answer || answer.endOffset >= range.endOffset || answer.fault !== null) return answer
      replica.isLate ||= waitedMs >= LAG_MS
      if (!isInSync || replica.isLate || this.#options.isInterrupted()) return answer
      await this.#options.sleep(LOOK_AGAIN_MS)
    }
  }

  /** Both are asked anew: a cut, or a start that moved, may have come between. */
  async #isConfirmed(other: Compared, reference: Compared, offset: number): Promise<boolean> {
    for (let left = CONFIRMATIONS; left > 0; left--) {
      const [its, expected] = await Promise.all([other, reference].map((one) => this.#ask(one, { startOffset: offset, endOffset: offset + 1 })))
      if (its === undefined || expected === undefined || 'error' in its || 'error' in expected) return false
      if (its.fault !== null || expected.fault !== null) return false
      const [a, b] = [its.digests[0], expected.digests[0]]
      if (a === undefined || b === undefined || isSame(a, b)) return false
      await this.#options.sleep(LOOK_AGAIN_MS)
    }
    return true
  }

  /** A replica that begins behind the others may: its log start has moved, and theirs follow. */
  async #checkBeginning(replica: Compared): Promise<void> {
    if (replica.begins <= this.#startOffset) return
    let begins = -1
    for (let waitedMs = 0; waitedMs < LAG_MS; waitedMs += LOOK_AGAIN_MS) {
      const reference = this.#replicas.find((one) => one !== replica && one.outcome !== 'notCompared')
      const look = reference === undefined ? undefined : await this.#ask(reference, { startOffset: 0, endOffset: 0 })
      if (look === undefined || 'error' in look) break
      if (look.logStartOffset >= replica.begins) return
      begins = look.logStartOffset
      await this.#options.sleep(LOOK_AGAIN_MS)
    }
    const others = begins < 0 ? '' : `, the others at ${begins}`
    this.#settle(replica, 'notCompared', `its log begins at offset ${replica.begins}${others}`)
  }

  async #versions(offset: number): Promise<Version[]> {
    const replicas = this.#replicas.toSorted((a, b) => a.nodeId - b.nodeId)
    return await Promise.all(
      replicas.map(async (replica) => {
        const answer = await this.#ask(replica, { startOffset: offset, endOffset: offset + 1 })
        const none = { nodeId: replica.nodeId, batch: null, file: '', position: 0 }
        if ('error' in answer) return none
        const [batch] = answer.digests
        return batch === undefined || batch.lastOffset < offset ? none : { ...none, batch, file: answer.file, position: answer.position }
      }),
    )
  }

  async #ask(replica: Compared, range: OffsetRange): Promise<BatchDigests | Failed> {
    try {
      return await this.#options.ask(replica.nodeId, range)
    } catch (error) {
      return { error: error as Error }
    }
  }

  #differ(replica: Compared, offset: number, reason: string): void {
    replica.differsAt = offset
    this.#settle(replica, 'differs', reason)
  }

  #fail(replica: Compared, error: Error): void {
    const { code, message } = failureOf(error)
    replica.isGone = code === 'UNKNOWN_TOPIC_ID'
    this.#settle(replica, 'notCompared', `${code}: ${message}`)
  }

  #settle(replica: Compared, outcome: ReplicaOutcome, reason: string): void {
    replica.outcome ??= outcome
    replica.reason ??= reason
  }
}

function minorityOf(versions: readonly Version[]): number[] {
  const isLike = ({ batch: a }: Version, { batch: b }: Version): boolean => a !== null && b !== null && isSame(a, b)
  const major = versions.find((version) => versions.filter((other) => isLike(version, other)).length * 2 > versions.length)
  return major === undefined ? [] : versions.flatMap((version) => (version.batch === null || isLike(version, major) ? [] : [version.nodeId]))
}

function isSame(a: BatchDigest, b: BatchDigest): boolean {
  return (
    a.baseOffset === b.baseOffset &&
    a.lastOffset === b.lastOffset &&
    a.leaderEpoch === b.leaderEpoch &&
    a.sizeBytes === b.sizeBytes &&
    a.checksum === b.checksum
  )
}
