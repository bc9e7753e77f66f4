/**
 * While a simulation runs, time and chance of the real world throw: whatever reads them would make a seed mean something else tomorrow.
 * Microtasks stay, since the client's promises run on them; the harness keeps what it needs before it poisons.
 */
const real = { setImmediate: globalThis.setImmediate, now: Date.now, random: Math.random, performanceNow: performance.now, hrtime: process.hrtime }

type Name = 'setTimeout' | 'setInterval' | 'setImmediate'
const timers: readonly Name[] = ['setTimeout', 'setInterval', 'setImmediate']

/** Waits until every promise that can go on has gone on: what is said for the next tick comes behind all of them, without a round of the event loop. */
export function drainPromises(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

/** Lets the real process have a turn: signals, and output that waits. */
function takeTurn(): Promise<void> {
  return new Promise((resolve) => real.setImmediate(resolve))
}

/** Runs `action` with Date.now, Math.random, performance.now and timers poisoned, and puts them back. */
export async function withPoison<T>(action: () => Promise<T>): Promise<T> {
  await takeTurn()
  const keptTimers = timers.map((name) => globalThis[name])
  const poison = (what: string) => (): never => {
    throw new Error(`${what} was called in a simulation`)
  }
  Date.now = poison('Date.now')
  Math.random = poison('Math.random')
  performance.now = poison('performance.now')
  process.hrtime = Object.assign(poison('process.hrtime'), { bigint: poison('process.hrtime.bigint') })
  for (const name of timers) Object.assign(globalThis, { [name]: poison(name) })
  try {
    return await action()
  } finally {
    Date.now = real.now
    Math.random = real.random
    performance.now = real.performanceNow
    process.hrtime = real.hrtime
    for (const [at, name] of timers.entries()) Object.assign(globalThis, { [name]: keptTimers[at] })
  }
}
