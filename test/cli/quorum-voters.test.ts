import { describe, expect, it } from 'vitest'
import { CliCluster, oxbow } from './harness.ts'

const FOLDER = 'ab'.repeat(16)

describe('quorum add-voter, remove-voter', () => {
  it('shows the voters as they are then, and says what came of it', async () => {
    const cluster = new CliCluster()
    const added = await oxbow(['quorum', 'add-voter', '4'], { cluster })
    expect(added).toEqual({
      code: 0,
      stdout: `NodeId  DirectoryId\n     1  ${'1'.repeat(32)}\n     2  -\n     4  ${'4'.repeat(32)}\n`,
      stderr: 'Node 4 is a voter now.\n',
    })
    const removed = await oxbow(['quorum', 'remove-voter', '2', '--directory-id', FOLDER.toUpperCase()], { cluster })
    expect(removed).toMatchObject({ code: 0, stderr: 'Node 2 is a voter no more: it goes on as an observer, and may be stopped.\n' })
    expect(cluster.voterRequests).toMatchObject([
      { nodeId: 4, directoryId: null, validateOnly: false },
      { nodeId: 2, directoryId: FOLDER, validateOnly: false },
    ])
  })

  it('a dry run changes nothing and says so; warnings come with either output', async () => {
    const cluster = new CliCluster()
    const table = await oxbow(['quorum', 'add-voter', '2', '--dry-run'], { cluster })
    expect(table.stderr).toBe('Node 2 would become a voter. Nothing was changed.\nwarning: an even number\n')
    const json = await oxbow(['quorum', 'add-voter', '2', '--dry-run', '-o', 'json'], { cluster })
    expect(json.stderr).toBe('')
    expect(JSON.parse(json.stdout)).toEqual({
      nodeId: 2,
      changed: false,
      dryRun: true,
      voters: [
        { nodeId: 1, directoryId: '1'.repeat(32) },
        { nodeId: 2, directoryId: null },
      ],
      warnings: ['an even number'],
    })
    expect(cluster.voterRequests.every(({ validateOnly }) => validateOnly)).toBe(true)
  })

  it('what was so before is no failure', async () => {
    expect(await oxbow(['quorum', 'add-voter', '1'])).toMatchObject({ code: 0, stderr: 'Nothing to do: node 1 is a voter already.\nwarning: an even number\n' })
    expect(JSON.parse((await oxbow(['quorum', 'add-voter', '1', '-o', 'json'])).stdout)).toMatchObject({ changed: false, dryRun: false })
  })

  it('waits for a node that is not ready as long as it may; a dry run does not', async () => {
    const cluster = new CliCluster()
    const dry = await oxbow(['quorum', 'add-voter', '9', '--dry-run', '-o', 'json'], { cluster })
    expect([dry.code, cluster.voterRequests.length]).toEqual([1, 1])
    expect(JSON.parse(dry.stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({ error: { code: 'VOTER_NOT_READY', retriable: true, definite: true } })
    const waited = await oxbow(['quorum', 'add-voter', '9', '--timeout', '1000'], { cluster })
    expect(waited).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^error: VOTER_NOT_READY: node 9 has not caught up/) })
    expect(cluster.voterRequests.length).toBeGreaterThan(2)
  })

  it.each([
    [['quorum', 'add-voter'], 'missing required argument'],
    [['quorum', 'add-voter', 'four'], 'a whole number from 0'],
    [['quorum', 'remove-voter', '2', '--directory-id', 'xyz'], '32 hexadecimal digits are expected'],
  ])('%j is a usage error', async (args, text) => {
    expect(await oxbow(args)).toMatchObject({ code: 2, stderr: expect.stringContaining(text) })
  })
})
