import { didYouMean } from '../base/did-you-mean.ts'
import { BrokerError } from '../base/errors.ts'
import type { Admin } from '../client/admin.ts'
import { AdvisedError, UsageError } from './failure.ts'

export type TopicDescription = Awaited<ReturnType<Admin['describeTopics']>>[number]

export function isUnknownTopic(error: unknown): error is BrokerError {
  return error instanceof BrokerError && error.code === 'UNKNOWN_TOPIC_OR_PARTITION'
}

/** The error with the name that was probably meant, if one comes near; a cluster that does not say its topics changes nothing. */
export async function withMeantTopic(admin: Admin, asked: readonly string[], error: BrokerError): Promise<Error> {
  const known = (await admin.listTopics().catch(() => [])).map((topic) => topic.name)
  const missing = asked.find((name) => !known.includes(name))
  const meant = missing === undefined ? undefined : didYouMean(missing, known)
  return meant === undefined ? error : new AdvisedError(error, `did you mean ${meant}?`)
}

/** In the order of the names. Rejects when one is missing, with what was probably meant. */
export async function topicsNamed(admin: Admin, names: readonly string[]): Promise<TopicDescription[]> {
  try {
    return await admin.describeTopics(names)
  } catch (error) {
    throw isUnknownTopic(error) ? await withMeantTopic(admin, names, error) : error
  }
}

function compile(pattern: string): RegExp {
  try {
    return new RegExp(`^(?:${pattern})$`)
  } catch (error) {
    throw new UsageError(`"${pattern}" is no regular expression (${(error as Error).message})`, "for example --regex 'orders-.*'")
  }
}

function byName(a: TopicDescription, b: TopicDescription): number {
  return a.name < b.name ? -1 : 1
}

/** Topics whose whole name one of the patterns matches, sorted. A pattern that matches none is an error: it would pass for done. */
export async function topicsMatching(admin: Admin, patterns: readonly string[]): Promise<TopicDescription[]> {
  const expressions = patterns.map(compile)
  const all = (await admin.listTopics()).sort(byName)
  const idle = patterns.find((_, at) => !all.some((topic) => expressions[at]?.test(topic.name) === true))
  if (idle !== undefined) throw new BrokerError('UNKNOWN_TOPIC_OR_PARTITION', `no topic matches "${idle}"`)
  return all.filter((topic) => expressions.some((expression) => expression.test(topic.name)))
}

/** What `NAME…` and `--regex` stand for; all topics, sorted, without a name. */
export async function topicsAsked(admin: Admin, names: readonly string[], isRegex: boolean): Promise<TopicDescription[]> {
  if (names.length === 0) return (await admin.listTopics()).sort(byName)
  return isRegex ? await topicsMatching(admin, names) : await topicsNamed(admin, names)
}
