/** Sums of the counters of a metrics page by name, labels added up. */
export async function readMetrics(url: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(url)).text()
  const values = new Map<string, number>()
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{[^}]*\})? ([-+.\deE]+)/.exec(line)
    if (match !== null) values.set(match[1] as string, (values.get(match[1] as string) ?? 0) + Number(match[2]))
  }
  return values
}
