/** More than setTimeout takes would be no time at all. */
const MOST_MS = 2 ** 31 - 1

/** Whether it is fulfilled within `limitMs`; one that is not is left to itself. Rejects as it does. */
export async function inTime(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.min(limitMs, MOST_MS))
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
