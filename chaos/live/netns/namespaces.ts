import { execFileSync } from 'node:child_process'
import type { FlowCounts } from '../faults/flow.ts'
import { isAlive } from '../is-alive.ts'

/** The kernel, or who runs this, does not allow it. */
export class NamespacesError extends Error {
  override readonly name = 'NamespacesError'
}

const NAME = /^oxbow-(\d+)-\d+/
const TABLE = 'inet oxbow'
/** One network in so many; two harnesses at a time are unlikely to take the same one. */
const NETWORKS = 250

/** So much may come at once: the kernel hands on packets of up to 64 KiB. */
const BURST = '64 kbytes'
const BYTES_PER_KBYTE = 1_024
/** Of a segment: behind the header of TCP with its timestamps, within what it carries. */
const CORRUPTED_BYTE = 60
/** Of a packet that surely has this byte. */
const CORRUPTIBLE_LENGTH = 100
const FLIPPED_BIT = 32
const kinds = ['held', 'throttled', 'corrupted'] as const

/** What a node does with all that comes from another one. */
export interface Treatment {
  readonly from: number
  readonly isCut: boolean
  /** It ends the connection that it comes by. */
  readonly isReset: boolean
  /** What comes faster is dropped. Infinity: nothing is. */
  readonly bytesPerSecond: number
  /** One packet in so many has a bit flipped; 0: none. */
  readonly corruptOneIn: number
}

/**
 * A network namespace for each node, all on one bridge of this machine, which clients use too. In each of them a table of nftables can drop or change
 * what comes from another node, and counts it. Needs Linux, root, `ip` and `nft`.
 */
export class Namespaces {
  readonly nodeIds: readonly number[]
  readonly #pid = process.pid
  readonly #bridge = `oxb${process.pid}`

  private constructor(nodes: number) {
    this.nodeIds = Array.from({ length: nodes }, (_, at) => at + 1)
  }

  /** Throws a NamespacesError. */
  static create(nodes: number): Namespaces {
    const namespaces = new Namespaces(nodes)
    removeLeftOver()
    try {
      namespaces.#make()
    } catch (error) {
      namespaces.remove()
      throw error
    }
    return namespaces
  }

  host(nodeId: number): string {
    return `10.199.${this.#pid % NETWORKS}.${nodeId}`
  }

  /** Before the command of a process that is to run there. */
  wrap(nodeId: number): readonly string[] {
    return ['ip', 'netns', 'exec', this.#name(nodeId)]
  }

  /** From now on; what comes from others arrives as it was sent. */
  filter(nodeId: number, treatments: readonly Treatment[]): void {
    this.#nft(nodeId, [`flush chain ${TABLE} input`, ...treatments.flatMap((one) => this.#rules(one))])
  }

  /** Of each node, how many packets of it met what at this one so far. */
  counts(nodeId: number): ReadonlyMap<number, FlowCounts> {
    const text = run([...this.wrap(nodeId), 'nft', '-j', 'list', 'counters', 'table', ...TABLE.split(' ')])
    const { nftables } = JSON.parse(text) as { readonly nftables: readonly { readonly counter?: { readonly name: string; readonly packets: number } }[] }
    const packets = new Map(nftables.flatMap(({ counter }) => (counter === undefined ? [] : [[counter.name, counter.packets]])))
    const of = (kind: (typeof kinds)[number], from: number): number => packets.get(`${kind}${from}`) ?? 0
    return new Map(
      this.nodeIds.map((from) => [from, { held: of('held', from), throttled: of('throttled', from), corrupted: of('corrupted', from), delayed: 0 }]),
    )
  }

  /** Between two nodes, as the first one has them. */
  connections(nodeId: number, other: number): number {
    const text = run([...this.wrap(nodeId), 'ss', '-tnH', 'state', 'established', 'dst', this.host(other)])
    return text.split('\n').filter((line) => line !== '').length
  }

  /** Whatever runs there has to be over. */
  remove(): void {
    for (const nodeId of this.nodeIds) attempt(['ip', 'netns', 'del', this.#name(nodeId)])
    attempt(['ip', 'link', 'del', this.#bridge])
  }

  #name(nodeId: number): string {
    return `oxbow-${this.#pid}-${nodeId}`
  }

  #rules({ from, isCut, isReset, bytesPerSecond, corruptOneIn }: Treatment): string[] {
    const rule = `add rule ${TABLE} input ip saddr ${this.host(from)}`
    const byte = `@th,${CORRUPTED_BYTE * 8},8`
    const rules: string[] = []
    if (isReset) rules.push(`${rule} tcp flags & (syn | rst) == 0 reject with tcp reset`)
    if (isCut) rules.push(`${rule} counter name held${from} drop`)
    if (bytesPerSecond < Infinity)
      rules.push(`${rule} limit rate over ${Math.ceil(bytesPerSecond / BYTES_PER_KBYTE)} kbytes/second burst ${BURST} counter name throttled${from} drop`)
    if (corruptOneIn > 0)
      rules.push(
        `${rule} meta length > ${CORRUPTIBLE_LENGTH} numgen random mod ${corruptOneIn} 0 counter name corrupted${from} ${byte} set ${byte} ^ ${FLIPPED_BIT}`,
      )
    return rules
  }

  #make(): void {
    run(['ip', 'link', 'add', this.#bridge, 'type', 'bridge'])
    run(['ip', 'addr', 'add', `${this.host(254)}/24`, 'dev', this.#bridge])
    run(['ip', 'link', 'set', this.#bridge, 'up'])
    for (const nodeId of this.nodeIds) {
      const [name, outside] = [this.#name(nodeId), `${this.#bridge}n${nodeId}`]
      run(['ip', 'netns', 'add', name])
      run(['ip', 'link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name])
      run(['ip', 'link', 'set', outside, 'master', this.#bridge, 'up'])
      run(['ip', '-n', name, 'addr', 'add', `${this.host(nodeId)}/24`, 'dev', 'eth0'])
      for (const device of ['eth0', 'lo']) run(['ip', '-n', name, 'link', 'set', device, 'up'])
      const counters = this.nodeIds.flatMap((from) => kinds.map((kind) => `add counter ${TABLE} ${kind}${from}`))
      this.#nft(nodeId, [`add table ${TABLE}`, ...counters, `add chain ${TABLE} input { type filter hook input priority 0; }`])
    }
  }

  #nft(nodeId: number, lines: readonly string[]): void {
    run([...this.wrap(nodeId), 'nft', '-f', '-'], `${lines.join('\n')}\n`)
  }
}

/** What a harness that was killed could not remove. */
function removeLeftOver(): void {
  for (const line of run(['ip', 'netns', 'list']).split('\n')) {
    const [name, pid] = NAME.exec(line) ?? []
    if (name === undefined || isAlive(Number(pid))) continue
    attempt(['ip', 'netns', 'del', name])
    attempt(['ip', 'link', 'del', `oxb${pid}`])
  }
}

function run([command = '', ...args]: readonly string[], input = ''): string {
  try {
    return execFileSync(command, args, { input, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    const { stderr, message } = error as { readonly stderr?: string; readonly message: string }
    throw new NamespacesError(`${[command, ...args].join(' ')}: ${(stderr ?? '').trim() || message}`)
  }
}

/** It may not be there. */
function attempt(command: readonly string[]): void {
  try {
    run(command)
  } catch (error) {
    if (!(error instanceof NamespacesError)) throw error
  }
}
