import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../../chaos/live/cluster-process.ts'

function bench(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(ROOT, 'dist', 'bench', 'main.js'), ...args], { encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  return stdout
}

/** The number before `unit` in the line that begins with `name`. */
function figure(output: string, name: string, unit: string): number {
  const found = output.split('\n').find((line) => line.trim().startsWith(name))
  return Number(new RegExp(`([\\d.]+) ${unit}`).exec(found ?? '')?.[1])
}

describe('the benches, with little to do', () => {
  it('startup: all that is measured takes longer than Node alone', () => {
    const output = bench('startup', '--runs', '1')
    const node = figure(output, 'node -e 0', 'ms')
    expect(figure(output, 'oxbow topic list', 'ms')).toBeGreaterThan(node)
    expect(figure(output, 'oxbow dev to the first record', 'ms')).toBeGreaterThan(node)
  })

  it('compression: text shrinks, random bytes do not, and what is taken is given back', () => {
    const output = bench('compression', '--megabytes', '1', '--runs', '1')
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
      expect(Number(/ratio ([\d.]+)/.exec(output.split(`access log, ${codec} `)[1] ?? '')?.[1])).toBeGreaterThan(2)
      expect(figure(output, `random bytes, ${codec}`, 'MB/s in')).toBeGreaterThan(0)
    }
  })

  it('leaderless: another node leads after the kill, and decides', () => {
    const output = bench('leaderless', '--kills', '2')
    for (const what of ['another leads and has committed', 'a decision is acknowledged']) {
      const found = /min (\d+) .* max (\d+)/.exec(output.split(what)[1] ?? '')
      expect(Number(found?.[1]), output).toBeGreaterThan(0)
      expect(Number(found?.[2])).toBeGreaterThanOrEqual(Number(found?.[1]))
    }
  })

  it.runIf(process.platform === 'linux')('cold-read: all records are read from a disk whose cache was dropped', () => {
    const output = bench('cold-read', '--megabytes', '8', '--runs', '1')
    expect(figure(output, 'cat of its 1 files', 'MB/s')).toBeGreaterThan(0)
    expect(figure(output, 'consumer, 1024 B records', 'MB/s')).toBeGreaterThan(0)
  })
})
