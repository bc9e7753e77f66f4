/** One thing that was looked at. A warning works for now; an error does not. */
export interface Check {
  readonly name: string
  readonly status: 'ok' | 'warning' | 'error'
  readonly message: string
  /** What to do next; null where there is nothing to do. */
  readonly advice: string | null
}

export function ok(name: string, message: string): Check {
  return { name, status: 'ok', message, advice: null }
}

export function warning(name: string, message: string, advice: string): Check {
  return { name, status: 'warning', message, advice }
}

export function fault(name: string, message: string, advice: string): Check {
  return { name, status: 'error', message, advice }
}
