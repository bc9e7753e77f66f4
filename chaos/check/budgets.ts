import { demand } from './violation.ts'

/** One queue or buffer: what it holds and what it may hold (rules 8). */
export interface Budget {
  readonly name: string
  readonly held: number
  readonly limit: number
}

/** I10: queues and bytes held are within their budgets. */
export function checkBudgets(where: string, budgets: readonly Budget[]): void {
  for (const { name, held, limit } of budgets) {
    demand(held >= 0 && held <= limit, 'I10', () => `${where}: ${name} holds ${held}, ${limit} is its budget`)
  }
}
