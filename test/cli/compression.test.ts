import { expect, it } from 'vitest'
import { COMPRESSION_MASK, compressionTypes } from '../../src/record/records.ts'
import { CliCluster, oxbow } from './harness.ts'

const LINES = Array.from({ length: 50 }, (_, index) => `{"id":${index},"text":"the river cuts its own bend off"}`)

it.each(compressionTypes)('produce --compression %s: batches are of that codec, consume reads them', async (compression) => {
  const cluster = new CliCluster()
  cluster.fake.addTopic('logs', 1)
  const stdin = [LINES.map((line) => `${line}\n`).join('')]
  expect(await oxbow(['produce', 'logs', '--compression', compression], { cluster, stdin })).toMatchObject({ code: 0 })
  const { batches } = cluster.fake.partition('logs', 0)
  expect(new Set(batches.map(({ header }) => compressionTypes[header.attributes & COMPRESSION_MASK]))).toEqual(new Set([compression]))
  const read = await oxbow(['consume', 'logs', '--from-beginning', '-n', `${LINES.length}`], { cluster })
  expect(read.stdout.trimEnd().split('\n')).toEqual(LINES)
})

it('a codec that does not exist is a wrong command', async () => {
  const run = await oxbow(['produce', 'logs', '--compression', 'brotli'], { cluster: new CliCluster() })
  expect(run.code).toBe(2)
  expect(run.stderr).toMatch(/none, gzip, snappy, lz4, zstd/)
})
