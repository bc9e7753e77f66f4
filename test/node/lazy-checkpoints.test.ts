import { describe, expect, it } from 'vitest'
import type { Checkpoints } from '../../src/base/checkpoints.ts'
import type { Done } from '../../src/base/done.ts'
import { LazyCheckpoints } from '../../src/node/lazy-checkpoints.ts'

/** A store that says what was asked of it. */
function store(asked: string[]): Checkpoints {
  return {
    write: (writes, _options, done) => {
      asked.push(`write ${writes.length}`)
      done(undefined)
    },
    get: (key, done) => {
      asked.push(`get ${key}`)
      done(undefined, Buffer.from('value'))
    },
    close: (done) => {
      asked.push('close')
      done(undefined)
    },
  }
}

const get = (checkpoints: Checkpoints, key: string): Promise<string | undefined> =>
  new Promise((resolve, reject) => checkpoints.get(key, (error, value) => (error === undefined ? resolve(value?.toString()) : reject(error))))
const close = (checkpoints: Checkpoints): Promise<void> => new Promise((resolve) => checkpoints.close(() => resolve()))

describe('LazyCheckpoints', () => {
  it('opens with the first call, once, and keeps the order of what waited', async () => {
    const asked: string[] = []
    const opens: Done<Checkpoints>[] = []
    const lazy = new LazyCheckpoints((done) => opens.push(done))
    expect(opens).toHaveLength(0)
    const answers = Promise.all([get(lazy, 'a'), get(lazy, 'b')])
    expect(opens).toHaveLength(1)
    opens[0]?.(undefined, store(asked))
    expect(await answers).toEqual(['value', 'value'])
    expect(asked).toEqual(['get a', 'get b'])
    expect(opens).toHaveLength(1)
  })

  it('never opens to write nothing, nor to be closed', async () => {
    let opens = 0
    const lazy = new LazyCheckpoints(() => opens++)
    await new Promise<void>((resolve) => lazy.write([], { sync: false }, () => resolve()))
    await close(lazy)
    expect(opens).toBe(0)
    await expect(get(lazy, 'a')).rejects.toThrow('closed')
  })

  it('tells all who wait that it cannot be opened, and tries again with the next call', async () => {
    const asked: string[] = []
    let attempt = 0
    const lazy = new LazyCheckpoints((done) => {
      attempt++
      if (attempt === 1) setImmediate(done, new Error('broken'), undefined as never)
      else setImmediate(done, undefined, store(asked))
    })
    const first = await Promise.allSettled([get(lazy, 'a'), get(lazy, 'b')])
    expect(first.map((one) => one.status)).toEqual(['rejected', 'rejected'])
    expect(await get(lazy, 'c')).toBe('value')
  })

  it('closes after what was being opened', async () => {
    const asked: string[] = []
    const opens: Done<Checkpoints>[] = []
    const lazy = new LazyCheckpoints((done) => opens.push(done))
    const answer = get(lazy, 'a')
    const closed = close(lazy)
    opens[0]?.(undefined, store(asked))
    await Promise.all([answer, closed])
    expect(asked).toEqual(['get a', 'close'])
  })
})
