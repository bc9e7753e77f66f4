import { execFileSync } from 'node:child_process'
import type { FlowCounts } from '../faults/flow.ts'
import { noCounts } from '../faults/network.ts'
import { isAlive } from '../is-alive.ts'

/** The kernel, or who runs this, does not allow it. */
export class NamespacesError extends Error {
  override readonly name = 'NamespacesError'
}

const NAME = /^oxbow-(\d+)-(\d+)/
const TABLE = 'inet oxbow'
/** One network in so many; two harnesses at a time are unlikely to take the same one. */
const NETWORKS = 250

/** So much may pass at once: little more than a packet of Ethernet, as on a line of that rate. Those that the kernel makes greater, the queue cuts. */
const BURST = '2kb'
/** What would wait longer than this is dropped, and TCP slows down. */
const LATENCY = '400ms'
const BITS_PER_BYTE = 8
/** Of a segment: behind the header of TCP with its timestamps, within what it carries. */
const CORRUPTED_BYTE = 60
/** Of a packet that surely has this byte. */
const CORRUPTIBLE_LENGTH = 100
const FLIPPED_BIT = 32
const kinds = ['held', 'corrupted'] as const
/** By node, where connections that are reset are noted, each by its two ends. */
const REJECTED = 'rejected'
/** Of one reset; those beyond it are not reset. */
const MAX_REJECTED = 65_535
const COMMANDS = [
  ['ip', '-V'],
  ['nft', '-v'],
  ['tc', '-V'],
] as const
/** What a fault may ask for, to find out whether it can be done. */
const PROBE_BYTES_PER_SECOND = 125_000

/** What a node does with all that comes from another one. */
export interface Treatment {
  readonly from: number
  readonly isCut: boolean
  /** It ends the connection that it comes by. */
  readonly isReset: boolean
  /** One packet in so many has a bit flipped; 0: none. */
  readonly corruptOneIn: number
}

/** As nftables says it. */
interface Listed {
  readonly counter?: { readonly name: string; readonly packets: number }
  readonly set?: { readonly elem?: readonly { readonly concat: readonly [string, number, string, number] }[] }
}

/** One end of the pair of devices that joins a node to the bridge: what the node says leaves by one, what it hears by the other. */
interface Device {
  readonly name: string
  /** Before what is asked of it. */
  readonly tc: readonly string[]
  /** What queues held back there that are gone by now. */
  throttledBefore: number
}

/**
 * A network namespace for each node, all on one bridge of this machine, which clients use too. In each of them a table of nftables can drop or change
 * what comes from another node, and counts it; queues can slow all that a node says and hears. Needs Linux, root, `ip`, `nft` and `tc`.
 */
export class Namespaces {
  readonly nodeIds: readonly number[]
  readonly #pid = process.pid
  readonly #bridge = `oxb${process.pid}`
  readonly #devices: ReadonlyMap<number, readonly Device[]>

  private constructor(nodes: number) {
    this.nodeIds = Array.from({ length: nodes }, (_, at) => at + 1)
    this.#devices = new Map(
      this.nodeIds.map((nodeId) => [
        nodeId,
        [
          { name: 'eth0', tc: ['tc', '-n', this.#name(nodeId)], throttledBefore: 0 },
          { name: this.#outside(nodeId), tc: ['tc'], throttledBefore: 0 },
        ],
      ]),
    )
  }

  /** Throws a NamespacesError that names what is lacking when something that faults may ask for is not there: a command, or a part of the kernel. */
  static create(nodes: number): Namespaces {
    const namespaces = new Namespaces(nodes)
    for (const command of COMMANDS) run(command)
    removeLeftOver()
    try {
      namespaces.#make()
      namespaces.#probe()
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

  /** From now on; what comes from others arrives as it was sent. All or nothing of it. Throws a NamespacesError. */
  filter(nodeId: number, treatments: readonly Treatment[]): void {
    const forget = treatments.some(({ isReset }) => isReset) ? [] : [`flush set ${TABLE} ${REJECTED}`]
    this.#nft(nodeId, [`flush chain ${TABLE} input`, ...forget, ...treatments.flatMap((one) => this.#rules(one))])
  }

  /**
   * All that a node says goes through a queue that lets so much pass, and all that it hears through another one, clients included. Infinity: no
   * queues. Throws a NamespacesError; then it is unknown which of the two are there, until it is told again.
   */
  slow(nodeId: number, bytesPerSecond: number): void {
    for (const device of this.#devicesOf(nodeId)) {
      const queue = [...device.tc, 'qdisc', 'replace', 'dev', device.name, 'root']
      const throttled = overlimits(device)
      // Counters go with their queue.
      run([...queue, 'noqueue'])
      device.throttledBefore += throttled
      if (bytesPerSecond < Infinity) run([...queue, 'tbf', 'rate', `${Math.ceil(bytesPerSecond) * BITS_PER_BYTE}bit`, 'burst', BURST, 'latency', LATENCY])
    }
  }

  /** How often something had to wait so far, of what the node said, and of what it heard. */
  throttled(nodeId: number): readonly number[] {
    return this.#devicesOf(nodeId).map((device) => device.throttledBefore + overlimits(device))
  }

  /** Of each node, how many packets of it met what at this one so far. */
  counts(nodeId: number): ReadonlyMap<number, FlowCounts> {
    const packets = new Map(
      this.#list(nodeId, `counters table ${TABLE}`).flatMap(({ counter }) => (counter === undefined ? [] : [[counter.name, counter.packets]])),
    )
    const of = (kind: (typeof kinds)[number], from: number): number => packets.get(`${kind}${from}`) ?? 0
    return new Map(this.nodeIds.map((from) => [from, { ...noCounts, held: of('held', from), corrupted: of('corrupted', from) }]))
  }

  /** The connections that this node has reset since it does: each by a name that is the same at its other end. Forgotten when it does not any more. */
  rejected(nodeId: number): readonly string[] {
    const noted = this.#list(nodeId, `set ${TABLE} ${REJECTED}`).flatMap(({ set }) => set?.elem ?? [])
    return noted.map(({ concat: [host, port, otherHost, otherPort] }) => [`${host}:${port}`, `${otherHost}:${otherPort}`].sort().join(' '))
  }

  /** Whatever runs there has to be over. */
  remove(): void {
    for (const nodeId of this.nodeIds) removeNode(this.#name(nodeId), this.#outside(nodeId))
    attempt(['ip', 'link', 'del', this.#bridge])
  }

  #name(nodeId: number): string {
    return `oxbow-${this.#pid}-${nodeId}`
  }

  /** At the bridge. */
  #outside(nodeId: number): string {
    return `${this.#bridge}n${nodeId}`
  }

  #devicesOf(nodeId: number): readonly Device[] {
    return this.#devices.get(nodeId) ?? []
  }

  #rules({ from, isCut, isReset, corruptOneIn }: Treatment): string[] {
    const rule = `add rule ${TABLE} input ip saddr ${this.host(from)}`
    const byte = `@th,${CORRUPTED_BYTE * 8},8`
    const rules: string[] = []
    if (isReset) rules.push(`${rule} tcp flags & (syn | rst) == 0 add @${REJECTED} { ip saddr . tcp sport . ip daddr . tcp dport } reject with tcp reset`)
    if (isCut) rules.push(`${rule} counter name held${from} drop`)
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
      const [name, outside] = [this.#name(nodeId), this.#outside(nodeId)]
      run(['ip', 'netns', 'add', name])
      run(['ip', 'link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name])
      run(['ip', 'link', 'set', outside, 'master', this.#bridge, 'up'])
      run(['ip', '-n', name, 'addr', 'add', `${this.host(nodeId)}/24`, 'dev', 'eth0'])
      for (const device of ['eth0', 'lo']) run(['ip', '-n', name, 'link', 'set', device, 'up'])
      const counters = this.nodeIds.flatMap((from) => kinds.map((kind) => `add counter ${TABLE} ${kind}${from}`))
      const rejected = `add set ${TABLE} ${REJECTED} { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic; size ${MAX_REJECTED}; }`
      this.#nft(nodeId, [`add table ${TABLE}`, ...counters, rejected, `add chain ${TABLE} input { type filter hook input priority 0; }`])
    }
  }

  /** All that faults will ask for, once, on one node: what is lacking shows before anything runs. */
  #probe(): void {
    const [one = 1] = this.nodeIds
    const gentle: Treatment = { from: one, isCut: false, isReset: false, corruptOneIn: 0 }
    const asked: readonly (readonly [string, () => void])[] = [
      ['packets cannot be dropped and counted (nf_tables)', () => this.filter(one, [{ ...gentle, isCut: true }])],
      ['connections cannot be reset (nft_reject_inet)', () => this.filter(one, [{ ...gentle, isReset: true }])],
      ['bits cannot be flipped (nft_numgen)', () => this.filter(one, [{ ...gentle, corruptOneIn: 2 }])],
      ['nodes cannot be slowed (sch_tbf)', () => this.slow(one, PROBE_BYTES_PER_SECOND)],
    ]
    for (const [lack, act] of asked) {
      try {
        act()
      } catch (error) {
        throw new NamespacesError(`the kernel lacks something, ${lack}: ${(error as Error).message}`)
      }
    }
    this.filter(one, [])
    this.slow(one, Infinity)
  }

  #list(nodeId: number, what: string): readonly Listed[] {
    const text = run([...this.wrap(nodeId), 'nft', '-j', 'list', ...what.split(' ')])
    return (JSON.parse(text) as { readonly nftables: readonly Listed[] }).nftables
  }

  #nft(nodeId: number, lines: readonly string[]): void {
    run([...this.wrap(nodeId), 'nft', '-f', '-'], `${lines.join('\n')}\n`)
  }
}

/** How often something had to wait in the queue that there is now. */
function overlimits({ name, tc }: Device): number {
  const queues = JSON.parse(run([...tc, '-s', '-j', 'qdisc', 'show', 'dev', name])) as readonly { readonly overlimits?: number }[]
  return queues.reduce((sum, { overlimits = 0 }) => sum + overlimits, 0)
}

/** What a harness that was killed could not remove. */
function removeLeftOver(): void {
  for (const line of run(['ip', 'netns', 'list']).split('\n')) {
    const [name, pid, nodeId] = NAME.exec(line) ?? []
    if (name === undefined || isAlive(Number(pid))) continue
    removeNode(name, `oxb${pid}n${nodeId}`)
    attempt(['ip', 'link', 'del', `oxb${pid}`])
  }
}

/** Connections that still have something to say keep the namespace for minutes, and its devices with it. */
function removeNode(name: string, outside: string): void {
  attempt(['ip', 'link', 'del', outside])
  attempt(['ip', 'netns', 'del', name])
}

function run([command = '', ...args]: readonly string[], input = ''): string {
  try {
    return execFileSync(command, args, { input, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    const { code, stderr, message } = error as { readonly code?: string; readonly stderr?: string; readonly message: string }
    if (code === 'ENOENT') throw new NamespacesError(`there is no command ${command} on this machine`)
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
