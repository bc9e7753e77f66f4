/*
 * What a value of a node may be, and how that is said: the same for the cluster file and for the environment.
 */
const PORT = 'a port from 1 to 65535'

export const wanted = {
  nodeId: 'a whole number from 0 to 2147483647',
  host: 'a host name or address that others can reach, without a port',
  port: PORT,
  optionalPort: `${PORT}, or null for none`,
  rack: 'a name, or null for none',
  role: '"controller" or "broker"',
  folder: 'a folder',
  firstVoter: 'true, or false for a controller that joins later by quorum add-voter',
} as const

export function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535
}

/** These mean "any of my addresses", which is nothing that another node could dial. */
const NOWHERE: ReadonlySet<string> = new Set(['0.0.0.0', '::', '[::]', '*'])
const HOST_NAME = /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,253}[A-Za-z0-9_.])?$/
const IPV6 = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%\w+)?$/

export function isHost(value: unknown): boolean {
  return typeof value === 'string' && !NOWHERE.has(value) && value.length <= 255 && (HOST_NAME.test(value) || IPV6.test(value))
}

export function isName(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '' && value.length <= 255
}

export function isNodeId(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 2_147_483_647
}

export function isRole(value: unknown): boolean {
  return value === 'controller' || value === 'broker'
}

export function isFolder(value: unknown): boolean {
  return (isName(value) && !(value as string).includes('\0')) || Number.isInteger(value)
}
