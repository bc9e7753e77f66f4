import type { Model, State } from './model.ts'
import type { Found } from './search.ts'

/** The way to a violation, step by step: what happens, and of where everybody stands what that changed. */
export function tellStory(model: Model, { violation, actions }: Found): string[] {
  let state = model.initial()
  let stood = model.stand(state)
  const lines = stood.map(indent)
  actions.forEach((action, at) => {
    lines.push(`${`${at + 1}`.padStart(3)}. ${model.tell(state, action)}`)
    const next = nextOf(model, state, action)
    if (next === undefined) return
    state = next
    const stands = model.stand(state)
    lines.push(...stands.filter((line) => !stood.includes(line)).map(indent))
    stood = stands
  })
  return [...lines, `${violation.message}`]
}

function indent(line: string): string {
  return `       ${line}`
}

/** Undefined: that is the step that breaks it. */
function nextOf(model: Model, state: State, action: number): State | undefined {
  try {
    return model.perform(state, action)
  } catch {
    return undefined
  }
}
