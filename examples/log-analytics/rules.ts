import { sum, type Window } from './windows.ts'

export interface Alert {
  /** Of the rule, the log and the window: the same however often the rule is asked. */
  readonly id: string
  readonly rule: string
  readonly name: string
  readonly start: number
  readonly text: string
}

interface Rule {
  readonly name: string
  /** What is wrong with a window, as a sentence; undefined: nothing. Once it says something it does not take it back. */
  readonly judge: (window: Window) => string | undefined
}

const MANY_ERRORS = 10
const BAD_SHARE = 0.25
const ENOUGH_EVENTS = 20

const rules: readonly Rule[] = [
  {
    name: 'many-errors',
    judge: ({ counts }) => ((counts.error ?? 0) >= MANY_ERRORS ? `at least ${MANY_ERRORS} errors in a minute` : undefined),
  },
  {
    name: 'error-share',
    // A share may fall again while a window grows: it is judged when nothing can change it.
    judge: ({ counts, isClosed }) => {
      const share = (counts.error ?? 0) / Math.max(1, sum(counts))
      return isClosed && sum(counts) >= ENOUGH_EVENTS && share >= BAD_SHARE ? `${Math.round(share * 100)} % of ${sum(counts)} events are errors` : undefined
    },
  },
]

export function judge(window: Window): Alert[] {
  return rules.flatMap(({ name: rule, judge: ask }) => {
    const text = ask(window)
    const { name, start } = window
    return text === undefined ? [] : [{ id: `${rule} ${start} ${name}`, rule, name, start, text }]
  })
}
