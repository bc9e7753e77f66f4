import { BrokerError, type Code } from '../base/errors.ts'
import { ConfigError, locateFault, NoSuchConfigError } from '../node/config-faults.ts'
import { StreamError } from './stream-error.ts'

/** Exit codes (cli.md, Everywhere). */
export const exitCode = { done: 0, refused: 1, usage: 2, unreachable: 3, inconclusive: 4, interrupted: 130 } as const

/** The command was wrong: what to type instead goes into `hint`. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/** An expected failure with a better next step than its code has. */
export class AdvisedError extends Error {
  override readonly name = 'AdvisedError'
  override readonly cause: BrokerError
  readonly hint: string

  constructor(cause: BrokerError, hint: string) {
    super(cause.message)
    this.cause = cause
    this.hint = hint
    if (cause.stack !== undefined) this.stack = cause.stack
  }
}

/** A failure as people and programs read it. */
export interface Failure {
  readonly code: string
  readonly message: string
  readonly hint: string | undefined
  readonly retriable: boolean
  readonly definite: boolean
  readonly exitCode: number
}

const REACH = 'is the cluster up at these addresses? set --bootstrap or OXBOW_BOOTSTRAP, or start one: oxbow dev'

/** Somebody may well be there, and waits for a majority of the controllers. */
const SILENT = `see: oxbow cluster health; ${REACH}`

/** What to do next, where there is something to do. */
const hints: Partial<Record<Code, string>> = {
  NETWORK_EXCEPTION: REACH,
  REQUEST_TIMED_OUT: 'see: oxbow cluster describe',
  NOT_CONTROLLER: 'is a majority of the controllers up? see: oxbow cluster describe',
  UNKNOWN_TOPIC_OR_PARTITION: 'see: oxbow topic list',
  UNKNOWN_TOPIC_ID: 'it was deleted meanwhile; see: oxbow topic list',
  TOPIC_ALREADY_EXISTS: 'add --if-not-exists if that is fine',
  INVALID_TOPIC_EXCEPTION: 'choose another name',
  INVALID_PARTITIONS: 'set --partitions',
  INVALID_REPLICATION_FACTOR: 'see the brokers: oxbow cluster describe; then set --replication-factor',
  INVALID_REPLICA_ASSIGNMENT: 'each broker once, of those that there are: oxbow cluster describe',
  INVALID_CONFIG: 'see: oxbow config describe topic TOPIC --all',
  OFFSET_OUT_OF_RANGE: 'where it begins: oxbow offsets TOPIC --at earliest; from there on: --offset earliest',
  NOT_ENOUGH_REPLICAS: 'see: oxbow cluster describe',
  PREFERRED_LEADER_NOT_AVAILABLE: 'it has to be up, in sync and not in maintenance; see: oxbow cluster describe',
  ELIGIBLE_LEADERS_NOT_AVAILABLE: 'start one of its brokers; see: oxbow cluster health',
  LEADER_NOT_AVAILABLE: 'see: oxbow cluster describe',
  MESSAGE_TOO_LARGE: 'send smaller records, or raise max.message.bytes of the topic',
  DISK_LOW: 'free space on the nodes',
}

const UNREACHABLE: ReadonlySet<Code> = new Set(['NETWORK_EXCEPTION', 'REQUEST_TIMED_OUT'])

/** Something is wrong with a cluster file. */
export function configFailure(message: string, hint: string | undefined): Failure {
  return { code: 'INVALID_CONFIG', message, hint, retriable: false, definite: true, exitCode: exitCode.usage }
}

function firstFault({ path, faults }: ConfigError): Failure {
  const first = faults[0]
  const message = first === undefined ? `${path} is not valid` : locateFault(path, first)
  return configFailure(message, faults.length > 1 ? `and ${faults.length - 1} more; all of them: oxbow config check ${path}` : undefined)
}

export function failureOf(error: unknown): Failure {
  if (error instanceof UsageError)
    return { code: 'USAGE', message: error.message, hint: error.hint, retriable: false, definite: true, exitCode: exitCode.usage }
  if (error instanceof BrokerError) {
    const { code, detail: message, retriable, definite } = error
    return {
      code,
      message,
      hint: error.unanswered ? (code === 'REQUEST_TIMED_OUT' ? SILENT : REACH) : hints[code],
      retriable,
      definite,
      exitCode: UNREACHABLE.has(code) ? exitCode.unreachable : exitCode.refused,
    }
  }
  if (error instanceof AdvisedError) return { ...failureOf(error.cause), hint: error.hint }
  if (error instanceof ConfigError) return firstFault(error)
  if (error instanceof NoSuchConfigError) return configFailure(error.message, error.hint)
  if (error instanceof StreamError)
    return { code: error.code, message: error.message, hint: undefined, retriable: false, definite: false, exitCode: exitCode.refused }
  const message = error instanceof Error ? error.message : String(error)
  return {
    code: 'UNKNOWN_SERVER_ERROR',
    message,
    hint: 'add --debug to see where',
    retriable: false,
    definite: false,
    exitCode: exitCode.refused,
  }
}

function oneLine(text: string): string {
  return text.trim().replaceAll(/\s*\n\s*/g, '; ')
}

/** `error: CODE: what happened (what to do next)` */
export function failureLine(failure: Failure): string {
  const hint = failure.hint === undefined ? '' : ` (${oneLine(failure.hint)})`
  return `error: ${failure.code}: ${oneLine(failure.message)}${hint}`
}

export function failureJson({ code, message, retriable, definite }: Failure): string {
  return JSON.stringify({ error: { code, message: oneLine(message), retriable, definite } })
}
