import type { Admin } from '../client/admin.ts'
import { type CliContext, headingStyle } from './context.ts'
import { exitCode, failureLine, failureOf } from './failure.ts'
import type { ClusterOptions } from './options.ts'
import { statusFields, statusJson } from './quorum.ts'
import { replicationColumns } from './quorum.ts'
import { openClient } from './session.ts'
import { renderFields, renderTable } from './table.ts'

type Quorum = Awaited<ReturnType<Admin['describeQuorum']>>

export interface WatchFlags {
  readonly intervalMs: number
  /** Looks; undefined: until it is interrupted. */
  readonly count: number | undefined
}

/** To the top left, and nothing below: the lines are written over where they stand. */
const HOME = '\u001b[H\u001b[J'
const CLEAR = '\u001b[2J'
/** One question: a watch that hangs for half a minute shows nothing. */
const ASK_MS = 5_000

/** What makes a line when it changes: not the offsets, which always do. */
function changeOf({ status }: Quorum): string {
  const { leaderId, leaderEpoch, voters, observers } = status
  return `leader ${leaderId === -1 ? 'none' : leaderId}, epoch ${leaderEpoch}, voters ${voters.join(',')}, observers ${observers.length === 0 ? '-' : observers.join(',')}`
}

interface Watch {
  readonly context: CliContext
  readonly options: ClusterOptions
  readonly isScreen: boolean
  last: string
}

function showScreen({ context }: Watch, text: string): void {
  context.stdout.write(`${HOME}${text}`)
}

/** A line a change: its time first. */
function showChange(watch: Watch, change: string, json: () => unknown): void {
  if (change === watch.last) return
  watch.last = change
  const time = new Date().toISOString()
  watch.context.stdout.write(watch.options.output === 'json' ? `${JSON.stringify(json())}\n` : `${time} ${change}\n`)
}

function show(watch: Watch, quorum: Quorum): void {
  if (!watch.isScreen) {
    showChange(watch, changeOf(quorum), () => statusJson(quorum.status))
    return
  }
  const table = renderTable(replicationColumns, quorum.replicas, headingStyle(watch.context))
  showScreen(watch, `${renderFields(statusFields(quorum.status))}\n${table}`)
}

function showFailure(watch: Watch, error: unknown): void {
  const line = failureLine(failureOf(error))
  if (watch.isScreen) showScreen(watch, `${line}\n`)
  else if (watch.last !== line) {
    watch.last = line
    watch.context.stderr.write(`${line}\n`)
  }
}

/** Looks again and again. On a terminal the picture is refreshed in place; elsewhere, and as JSON, there is a line a change. */
export async function watchQuorum(context: CliContext, options: ClusterOptions, { intervalMs, count }: WatchFlags): Promise<number> {
  const watch: Watch = { context, options, isScreen: context.stdout.isTTY === true && options.output === 'table', last: '' }
  const state = { isOver: false, hasFailed: false }
  const interrupted = new Promise<'interrupted'>((say) => {
    context.onInterrupt(() => {
      state.isOver = true
      say('interrupted')
    })
  })
  const client = await openClient(context, options)
  if (watch.isScreen) context.stdout.write(CLEAR)
  try {
    for (let looks = 0; !state.isOver && looks < (count ?? Number.POSITIVE_INFINITY); looks++) {
      if (looks > 0) await Promise.race([new Promise((resolve) => setTimeout(resolve, intervalMs)), interrupted])
      if (state.isOver) break
      const asking = client.admin({ totalTimeoutMs: Math.min(options.timeoutMs, ASK_MS) }).describeQuorum()
      const quorum = await Promise.race([asking, interrupted]).catch((error: unknown) => {
        state.hasFailed = true
        showFailure(watch, error)
        return undefined
      })
      if (quorum === 'interrupted' || quorum === undefined) continue
      state.hasFailed = false
      show(watch, quorum)
    }
  } finally {
    await client.close()
  }
  if (state.isOver) return exitCode.interrupted
  return state.hasFailed ? exitCode.unreachable : exitCode.done
}
