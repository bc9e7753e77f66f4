/** One line of a table: a name, a value with its unit. */
export function line(name: string, value: string): void {
  process.stdout.write(`  ${name.padEnd(34)}${value}\n`)
}

export function heading(text: string): void {
  process.stdout.write(`\n${text}\n`)
}

/** An aim is told as met or missed; it never decides the exit code. */
export function aim(text: string, isMet: boolean): void {
  process.stdout.write(`  aim ${isMet ? 'met   ' : 'missed'}  ${text}\n`)
}

/** `share` in [0, 1]: 0.5 the median. `sorted` ascending, not empty. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number
}

export function median(values: readonly number[]): number {
  return quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  )
}
