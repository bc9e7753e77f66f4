import type { Admin } from '../client/admin.ts'
import type { OxbowClient } from '../client/client.ts'
import type { CliContext } from './context.ts'
import type { ClusterOptions } from './options.ts'
import { isUnknownTopic, type TopicDescription, withMeantTopic } from './topic-names.ts'

/** A topic made a moment ago may not be known yet to the node that is asked. */
const NEW_TOPIC_MS = 1_500
const ASK_AGAIN_MS = 100
const NOTE_WAIT_MS = 2_000
const LOOK_AGAIN_MS = 500

export function openClient(context: CliContext, options: ClusterOptions): Promise<OxbowClient> {
  return context.openClient({ bootstrap: options.bootstrap, requestTimeoutMs: options.timeoutMs })
}

/** Runs one piece of administration on a client of its own; all its calls together have the command's time. */
export async function withAdmin<T>(context: CliContext, options: ClusterOptions, work: (admin: Admin) => Promise<T>): Promise<T> {
  const client = await openClient(context, options)
  const note = setTimeout(() => noteWait(context, options), NOTE_WAIT_MS)
  try {
    return await work(client.admin({ totalTimeoutMs: options.timeoutMs }))
  } finally {
    clearTimeout(note)
    await client.close()
  }
}

/** Looks again and again until `isThere`, for as long as that takes: the command's time is that of one question, and one without an answer ends the wait. */
export async function waitUntil(context: CliContext, options: ClusterOptions, isThere: (admin: Admin) => Promise<boolean>): Promise<void> {
  const client = await openClient(context, options)
  try {
    const admin = client.admin()
    while (!(await isThere(admin))) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  } finally {
    await client.close()
  }
}

/** For who looks at a terminal where nothing happens: nobody may be there, a majority may be awaited, or it takes its time. */
function noteWait(context: CliContext, { bootstrap, timeoutMs }: ClusterOptions): void {
  if (context.stderr.isTTY === true && timeoutMs > NOTE_WAIT_MS)
    context.stderr.write(`Still waiting for the cluster at ${bootstrap.join(', ')}; until ${timeoutMs / 1000} s are over (--timeout).\n`)
}

/** The topic, or UNKNOWN_TOPIC_OR_PARTITION when it stays unknown: a producer would go on asking for minutes. */
export async function findTopic(admin: Admin, name: string): Promise<TopicDescription> {
  const deadline = performance.now() + NEW_TOPIC_MS
  let unknown: unknown
  for (;;) {
    try {
      const [topic] = await admin.describeTopics([name])
      if (topic !== undefined) return topic
    } catch (error) {
      // When the time is over meanwhile, what was answered says more.
      if (!isUnknownTopic(error)) throw unknown ?? error
      if (performance.now() >= deadline) throw await withMeantTopic(admin, [name], error)
      unknown = error
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
  }
}

/** JSON for programs: one document, one line. */
export function writeJson(context: CliContext, value: unknown): void {
  context.stdout.write(`${JSON.stringify(value)}\n`)
}
