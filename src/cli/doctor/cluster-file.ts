import { hostname, networkInterfaces } from 'node:os'
import { ConfigError, locateFault, NoSuchConfigError } from '../../node/config-faults.ts'
import { type ConfiguredNode, loadCluster } from '../../node/config.ts'
import { type EnvironmentVariables, readEnvironment } from '../../node/environment.ts'
import type { TcpProbe } from '../tcp-probe.ts'
import { type Check, fault, ok, warning } from './check.ts'

const PROBE_MS = 1_000

/** Checks that concern the numbers of voters, whoever says them. */
export function checkVoters(count: number): Check {
  if (count === 1) return warning('voters', 'one voter: when its node is down, nothing can change', 'three voters tolerate the loss of one')
  if (count % 2 === 1) return ok('voters', `${count} voters, of which ${(count - 1) / 2} may be down`)
  return warning('voters', `${count} voters tolerate no more losses than ${count - 1} would`, 'an odd number of nodes with the controller role: 3 or 5')
}

function isHere(host: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map((one) => one.address))
  return ['localhost', '127.0.0.1', '::1', '0.0.0.0', hostname(), ...own].includes(host)
}

interface Port {
  readonly nodeId: number
  readonly host: string
  readonly port: number
}

function portsOf({ options: { nodeId, address } }: ConfiguredNode): Port[] {
  const { host, grpcPort, kafkaPort, httpPort } = address
  return [grpcPort, kafkaPort, httpPort].flatMap((port) => (port === null ? [] : [{ nodeId, host, port }]))
}

/** Of a node that runs, its ports are taken by itself. */
async function checkPorts(nodes: readonly ConfiguredNode[], running: ReadonlySet<number>, probe: TcpProbe): Promise<Check[]> {
  const here = nodes.filter((node) => isHere(node.options.address.host) && !running.has(node.options.nodeId)).flatMap(portsOf)
  const results = await Promise.all(here.map(({ host, port }) => probe(host === '0.0.0.0' ? '127.0.0.1' : host, port, PROBE_MS)))
  const taken = here.filter((_, at) => results[at] === undefined)
  if (taken.length === 0) return [ok('ports', 'no port of the file is taken by another program')]
  return taken.map(({ nodeId, port }) =>
    fault(
      'ports',
      `port ${port} of node ${nodeId} is taken, and node ${nodeId} does not run`,
      `end what listens there (ss -ltnp 'sport = :${port}'), or choose another port`,
    ),
  )
}

async function checkHosts(nodes: readonly ConfiguredNode[], probe: TcpProbe): Promise<Check[]> {
  const remote = nodes.filter((node) => !isHere(node.options.address.host))
  const results = await Promise.all(remote.map(({ options: { address } }) => probe(address.host, address.grpcPort, PROBE_MS)))
  return remote.flatMap(({ options: { nodeId, address } }, at) =>
    results[at] === 'ENOTFOUND' || results[at] === 'EAI_AGAIN'
      ? [
          fault(
            'hosts',
            `the host of node ${nodeId}, ${address.host}, has no address`,
            'set host in the cluster file to a name or address that every node and client can reach',
          ),
        ]
      : [],
  )
}

export interface ReadFile {
  /** None when the file is not valid. */
  readonly nodes: readonly ConfiguredNode[]
  readonly checks: readonly Check[]
  /** Absolute; of the nodes on this machine. */
  readonly folders: readonly string[]
  /** `host:port` of all nodes. */
  readonly addresses: readonly string[]
}

function checkBrokers(count: number): Check[] {
  if (count >= 3) return []
  const message = `${count} brokers cannot keep three copies, which is what topics get by default`
  return [warning('brokers', message, `add brokers, or create topics with --replication-factor ${Math.max(1, count)}`)]
}

/** What the file says, and what is wrong with that by itself. */
export async function readFileChecks(path: string, env: EnvironmentVariables): Promise<ReadFile> {
  const broken = (check: Check): ReadFile => ({ nodes: [], checks: [check], folders: [], addresses: [] })
  let nodes: readonly ConfiguredNode[]
  try {
    nodes = (await loadCluster(path, { environment: readEnvironment(env) })).nodes
  } catch (error) {
    if (error instanceof NoSuchConfigError) return broken(fault('config', error.message, error.hint))
    if (!(error instanceof ConfigError)) throw error
    const [first] = error.faults
    const count = error.faults.length === 1 ? 'one fault' : `${error.faults.length} faults`
    const message = `${path} has ${count}${first === undefined ? '' : `, the first: ${locateFault(path, first)}`}`
    return broken(fault('config', message, `see all of them: oxbow config check ${path}`))
  }
  const voters = nodes.filter((node) => node.options.roles.controller).length
  const brokers = nodes.filter((node) => node.options.roles.broker).length
  return {
    nodes,
    checks: [ok('config', `${path} is valid: ${nodes.length} nodes`), checkVoters(voters), ...checkBrokers(brokers)],
    folders: nodes.filter((node) => isHere(node.options.address.host)).flatMap((node) => node.dataDirs),
    addresses: nodes.map(({ options: { address } }) => `${address.host}:${address.grpcPort}`),
  }
}

/** What is around the file. `running`: ids of the nodes that the cluster says are up. */
export async function checkSurroundings(nodes: readonly ConfiguredNode[], running: ReadonlySet<number>, probe: TcpProbe): Promise<Check[]> {
  return [...(await checkHosts(nodes, probe)), ...(await checkPorts(nodes, running, probe))]
}
