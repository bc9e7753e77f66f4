import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'

function cluster(): CliCluster {
  const made = new CliCluster()
  made.fake.addTopic('logs', 1)
  return made
}

describe('--debug', () => {
  it('says every request and what came of it, on stderr', async () => {
    const run = await oxbow(['topic', 'list', '--debug'], { cluster: cluster() })
    expect(run.code).toBe(0)
    expect(run.stderr).toMatch(/^debug: n\d:9 metadata: ok \(\d+\.\d ms\)\n$/)
    expect(run.stdout).toMatch(/^Topic /)
    expect((await oxbow(['topic', 'list'], { cluster: cluster() })).stderr).toBe('')
  })

  it('says what a node refused', async () => {
    const run = await oxbow(['topic', 'create', 'logs', '--debug'], { cluster: cluster() })
    expect(run.code).toBe(1)
    expect(run.stderr).toMatch(/^debug: n\d:9 createTopic: TOPIC_ALREADY_EXISTS: topic "logs" exists already \(\d+\.\d ms\)\n/)
    expect(run.stderr).toContain('\n    at ')
  })

  it('follows the streams of records', async () => {
    const made = cluster()
    const produced = await oxbow(['produce', 'logs', '--debug'], { cluster: made, stdin: ['a\n'] })
    const [, sent] = /debug: n1:9 produce (\d+): sent\n/.exec(produced.stderr) ?? []
    expect(sent).toBeDefined()
    expect(produced.stderr).toMatch(new RegExp(`debug: n1:9 produce ${sent}: answered \\(\\d+\\.\\d ms\\)\\n`))
    const read = await oxbow(['consume', 'logs', '--from-beginning', '--exit-at-end', '--debug'], { cluster: made })
    expect(read.stdout).toBe('a\n')
    expect(read.stderr).toMatch(/debug: n1:9 fetch \d+: answered/)
    expect(read.stderr).toMatch(/debug: n1:9 listOffsets: ok/)
  })
})

describe('version', () => {
  it('names what a report of a fault begins with', async () => {
    expect((await oxbow(['version'])).stdout).toBe(
      `Oxbow:    0.0.0-test\nNode:     ${process.versions.node}\nV8:       ${process.versions.v8}\nPlatform: ${process.platform} ${process.arch}\n`,
    )
  })
})
