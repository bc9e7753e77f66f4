import { resolve, sep } from 'node:path'
import type { ClusterFileNode, ParsedClusterFile, Role } from './cluster-file.ts'
import { type ConfigFault, keyText } from './config-faults.ts'
import { type ConfigKey, configKeys, findConfigName, readConfigValue, type ValueSource } from './config-keys.ts'
import type { NodeField } from './environment.ts'

/** A node with everything filled in that the file does not say. */
export interface PlacedNode {
  readonly nodeId: number
  readonly host: string
  readonly grpcPort: number
  readonly kafkaPort: number | null
  readonly httpPort: number | null
  /** Absolute. */
  readonly dataDirs: readonly string[]
  readonly roles: readonly Role[]
  readonly isFirstVoter: boolean
  readonly rack: string | null
  readonly sources: Readonly<Record<NodeField, ValueSource>>
}

export interface Judged {
  readonly faults: ConfigFault[]
  /** What runs, and is probably not what is meant. */
  readonly warnings: ConfigFault[]
}

/** As many copies as a topic has unless it says otherwise. */
const USUAL_REPLICATION_FACTOR = 3

function isWithin(key: string, around: string): boolean {
  return key === around || key.startsWith(`${around}.`) || key.startsWith(`${around}[`)
}

/** One machine under its several names. */
function machineOf(host: string): string {
  const name = host.toLowerCase()
  return isLoopback(name) ? 'localhost' : name
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

const variables: Readonly<Record<NodeField, string>> = {
  nodeId: 'OXBOW_NODE_ID',
  host: 'OXBOW_HOST',
  grpcPort: 'OXBOW_GRPC_PORT',
  kafkaPort: 'OXBOW_KAFKA_PORT',
  httpPort: 'OXBOW_HTTP_PORT',
  dataDirs: 'OXBOW_DATA',
  rack: 'OXBOW_RACK',
}

/** What the nodes of a file mean together. Only values that are as written are judged: one fault must not bring others with it. */
class Judge {
  readonly #parsed: ParsedClusterFile
  readonly #nodes: readonly PlacedNode[]
  readonly faults: ConfigFault[] = []
  readonly warnings: ConfigFault[] = []

  constructor(parsed: ParsedClusterFile, nodes: readonly PlacedNode[]) {
    this.#parsed = parsed
    this.#nodes = nodes
  }

  #isAsWritten(at: number, ...keys: readonly string[]): boolean {
    const isWrong = (key: string): boolean => this.#parsed.faults.some((fault) => isWithin(fault.key, key))
    return !this.#parsed.faults.some((fault) => fault.key === `nodes[${at}]`) && !keys.some((key) => isWrong(`nodes[${at}].${key}`))
  }

  /** The file says it, or it follows from a node id that is one. */
  #isGiven(at: number, key: Exclude<NodeField, 'nodeId'>): boolean {
    const isSaid = this.#nodes[at]?.sources[key] === 'environment' || this.#parsed.file.nodes[at]?.[key] !== undefined
    return this.#isAsWritten(at, key) && (isSaid || this.#isAsWritten(at, 'nodeId'))
  }

  /** The machine of a node; of one whose host is wrong nobody knows more than that it is one. */
  #machine(at: number): string {
    const host = this.#nodes[at]?.host
    return host === undefined || !this.#isAsWritten(at, 'host') ? `of nodes[${at}]` : machineOf(host)
  }

  /** How a value of a node is named in a fault: where it was said. */
  #at(at: number, field: NodeField, item?: number): { readonly key: string; readonly line: number | null } {
    if (this.#nodes[at]?.sources[field] === 'environment') return { key: variables[field], line: null }
    const path = item === undefined ? ['nodes', at, field] : ['nodes', at, field, item]
    return { key: keyText(path), line: this.#parsed.lineOf(path) }
  }

  /** Twice the same id, port or folder, or a folder in another one. */
  uniqueness(): void {
    const seen = new Map<string, string>()
    const unique = (kind: string, identity: string, where: { readonly key: string; readonly line: number | null }, value: unknown): void => {
      const first = seen.get(`${kind} ${identity}`)
      if (first === undefined) seen.set(`${kind} ${identity}`, where.key)
      else this.faults.push({ ...where, value, expected: `a ${kind} of its own (${first} has this one)` })
    }
    this.#nodes.forEach((node, at) => {
      if (this.#isAsWritten(at, 'nodeId')) unique('node id', String(node.nodeId), this.#at(at, 'nodeId'), node.nodeId)
      for (const key of ['grpcPort', 'kafkaPort', 'httpPort'] as const)
        if (node[key] !== null && this.#isGiven(at, key)) unique('port', `${this.#machine(at)}:${node[key]}`, this.#at(at, key), node[key])
    })
    this.#folders()
  }

  #folders(): void {
    const seen: { readonly host: string; readonly path: string; readonly key: string }[] = []
    this.#nodes.forEach((node, at) => {
      if (!this.#isGiven(at, 'dataDirs')) return
      const host = this.#machine(at)
      node.dataDirs.forEach((folder, item) => {
        const isSaid = node.sources.dataDirs !== 'default'
        const where = this.#at(at, 'dataDirs', isSaid && node.dataDirs.length > 1 ? item : undefined)
        const path = resolve(folder)
        const value = node.sources.dataDirs === 'file' ? this.#parsed.file.nodes[at]?.dataDirs?.[item] : folder
        const clash = seen.find((other) => other.host === host && (other.path === path || isInside(other.path, path) || isInside(path, other.path)))
        if (clash === undefined) seen.push({ host, path, key: where.key })
        else {
          const how = clash.path === path ? 'has this one' : isInside(path, clash.path) ? 'lies around it' : 'lies within it'
          this.faults.push({ ...where, value, expected: `a data folder of its own (${clash.key} ${how})` })
        }
      })
    })
  }

  roles(): void {
    const { file, lineOf } = this.#parsed
    const isAllWritten =
      this.#nodes.every((_, at) => this.#isAsWritten(at, 'roles', 'firstVoter')) && !this.#parsed.faults.some(({ key }) => isWithin(key, 'defaults.roles'))
    for (const [at, node] of file.nodes.entries()) this.#doubledRoles(node.roles, ['nodes', at, 'roles'])
    this.#doubledRoles(file.defaults?.roles, ['defaults', 'roles'])
    if (!isAllWritten) return
    const where = { key: 'nodes', value: this.#nodes.map((node) => node.roles.join('+')), line: lineOf(['nodes']) }
    const voters = this.#nodes.filter((node) => node.roles.includes('controller')).length
    if (voters === 0) this.faults.push({ ...where, expected: 'at least one node with the role controller' })
    else if (!this.#nodes.some((node) => node.isFirstVoter)) {
      this.faults.push({ ...where, expected: 'at least one controller without firstVoter: false, which begins the cluster' })
    }
    if (!this.#nodes.some((node) => node.roles.includes('broker'))) this.faults.push({ ...where, expected: 'at least one node with the role broker' })
    if (voters > 0 && voters % 2 === 0) {
      const expected = `an odd number of nodes with the role controller: ${voters} keep working without ${Math.ceil(voters / 2) - 1} of them, as ${voters - 1} do`
      this.warnings.push({ ...where, value: voters, expected })
    }
  }

  #doubledRoles(roles: readonly Role[] | undefined, path: readonly (string | number)[]): void {
    const isDoubled = roles !== undefined && new Set(roles).size < roles.length
    if (isDoubled) this.faults.push({ key: keyText(path), value: roles, expected: 'each role once', line: this.#parsed.lineOf(path) })
  }

  racks(): void {
    const brokers = this.#nodes
      .map((node, at) => ({ node, at }))
      .filter(({ node, at }) => node.roles.includes('broker') && this.#isAsWritten(at, 'rack', 'roles'))
    const without = brokers.filter(({ node }) => node.rack === null)
    if (without.length === 0 || without.length === brokers.length) return
    for (const { at } of without) {
      const expected = 'a rack, for other brokers have one: replicas are spread over racks only when every broker has one'
      this.warnings.push({ ...this.#at(at, 'rack'), value: null, expected })
    }
  }

  hosts(): void {
    const isLocal = this.#nodes.map((node) => isLoopback(node.host.toLowerCase()))
    if (isLocal.every((one) => one === isLocal[0])) return
    this.#nodes.forEach((node, at) => {
      const expected = 'an address that the nodes on other hosts can reach too'
      if (isLocal[at] === true && this.#isAsWritten(at, 'host')) this.warnings.push({ ...this.#at(at, 'host'), value: node.host, expected })
    })
  }

  /** More in-sync replicas than brokers could never acknowledge anything; as many as replicas, only while none is away. */
  minInSync(overrides: ReadonlyMap<ConfigKey, { readonly variable: string; readonly value: unknown }>): void {
    const { file, lineOf, faults } = this.#parsed
    const brokers = this.#nodes.filter((node) => node.roles.includes('broker')).length
    const key = configKeys.find((one) => one.field === 'minInSyncReplicas') as ConfigKey
    const override = overrides.get(key)
    const layers: readonly (readonly [readonly (string | number)[], ClusterFileNode['config']])[] = [
      [['defaults', 'config'], file.defaults?.config],
      ...file.nodes.map((node, at) => [['nodes', at, 'config'], node.config] as const),
    ]
    const found = layers.flatMap(([path, config]) =>
      Object.entries(config ?? {})
        .filter(([name]) => findConfigName(name)?.key === key && !faults.some((fault) => fault.key === keyText([...path, name])))
        .map(([name, value]) => ({ key: keyText([...path, name]), value: readConfigValue(key, value, 1), line: lineOf([...path, name]) as number | null })),
    )
    if (override !== undefined) found.push({ key: override.variable, value: override.value as number, line: null })
    for (const { value, ...where } of found) {
      if (typeof value !== 'number' || brokers === 0) continue
      const usual = Math.min(brokers, USUAL_REPLICATION_FACTOR)
      if (value > brokers) this.faults.push({ ...where, value, expected: `at most ${brokers}, the number of brokers` })
      else if (value >= usual && value > 1) {
        const expected = `less than ${usual}, the replicas that a topic usually has: with one of them away, acks=all is refused`
        this.warnings.push({ ...where, value, expected })
      }
    }
  }
}

function isInside(path: string, around: string): boolean {
  return path !== around && path.startsWith(around.endsWith(sep) ? around : around + sep)
}

/** Everything that is wrong, or doubtful, with the nodes taken together. */
export function judgeCluster(
  parsed: ParsedClusterFile,
  nodes: readonly PlacedNode[],
  overrides: ReadonlyMap<ConfigKey, { readonly variable: string; readonly value: unknown }>,
): Judged {
  const judge = new Judge(parsed, nodes)
  judge.uniqueness()
  judge.roles()
  judge.racks()
  judge.hosts()
  judge.minInSync(overrides)
  return judge
}
