import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, test } from '@fast-check/vitest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LogRing } from '../../src/node/log-ring.ts'
import { createNodeLog } from '../../src/node/logger.ts'

describe('the log of a node', () => {
  let folder: string
  let file: string
  let descriptor: number

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oxbow-log-'))
    file = join(folder, 'log')
    descriptor = openSync(file, 'a')
  })

  afterEach(() => {
    closeSync(descriptor)
    rmSync(folder, { recursive: true, force: true })
  })

  function lines(): unknown[] {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown)
  }

  it('is one JSON line an event, with time, level, node and the fields of its children', () => {
    const { logger } = createNodeLog({ nodeId: 3, level: 'info', descriptor })
    logger.child({ topic: 'orders' }).warn({ partition: 2 }, 'moved')
    expect(lines()).toEqual([{ level: 'warn', time: expect.stringMatching(/^\d{4}-.*Z$/), node: 3, topic: 'orders', partition: 2, msg: 'moved' }])
  })

  it('a level that changes while the node runs counts for children made before, too', () => {
    const { logger, level } = createNodeLog({ nodeId: 1, level: 'warn', descriptor })
    const child = logger.child({ topic: 'orders' })
    const all = (word: string): void => {
      child.debug({}, `${word} debug`)
      child.info({}, `${word} info`)
      child.warn({}, `${word} warn`)
      child.error({}, `${word} error`)
    }
    all('first')
    level.setLevel('debug')
    expect(level.level).toBe('debug')
    all('second')
    level.setLevel('error')
    all('third')
    expect(lines().map((line) => (line as { msg: string }).msg)).toEqual([
      'first warn',
      'first error',
      'second debug',
      'second info',
      'second warn',
      'second error',
      'third error',
    ])
  })

  it('keeps what it wrote, as it wrote it', () => {
    const { logger, ring } = createNodeLog({ nodeId: 1, level: 'info', descriptor })
    logger.info({}, 'one')
    logger.debug({}, 'not at this level')
    logger.error({ error: 'ü' }, 'two')
    expect(ring.text()).toBe(readFileSync(file, 'utf8'))
    expect(ring.text().split('\n')).toHaveLength(3)
  })
})

describe('the ring of log lines', () => {
  it('a line larger than all of it is not kept, nor anything before', () => {
    const ring = new LogRing(10)
    ring.add('one\n')
    ring.add('a line of more than ten bytes\n')
    expect([ring.text(), ring.bytes, ring.droppedLines]).toEqual(['', 0, 2])
    ring.add('two\n')
    expect(ring.text()).toBe('two\n')
  })

  test.prop([fc.array(fc.string({ maxLength: 40 }), { maxLength: 200 }), fc.integer({ min: 1, max: 200 })])(
    'holds the longest row of last lines that fits, as a plain list would',
    (lines, limitBytes) => {
      const ring = new LogRing(limitBytes)
      for (const line of lines) ring.add(line)
      let from = 0
      while (Buffer.byteLength(lines.slice(from).join('')) > limitBytes) from++
      // Empty lines in front cost nothing: how many of them are counted as dropped does not matter.
      expect(ring.text()).toBe(lines.slice(from).join(''))
      expect(ring.bytes).toBe(Buffer.byteLength(lines.slice(from).join('')))
      expect(ring.droppedLines).toBeLessThanOrEqual(lines.length)
    },
  )
})
