import { describe, expect, it } from 'vitest'
import { BrokerError } from '../../src/base/errors.ts'
import { AdvisedError, failureJson, failureLine, failureOf, UsageError } from '../../src/cli/failure.ts'
import { CliCluster, oxbow } from './harness.ts'

describe('usage errors end with 2, one line, and what was probably meant', () => {
  it.each([
    [['topc', 'list'], "error: USAGE: unknown command 'topc' (did you mean topic?)"],
    [['topic', 'lst'], "error: USAGE: unknown command 'lst' (did you mean list?)"],
    [['topic', 'create', 'a', '--partitons', '3'], "error: USAGE: unknown option '--partitons' (did you mean --partitions?)"],
    [['topic', 'create'], "error: USAGE: missing required argument 'name' (see: oxbow topic create --help)"],
    [['quorum', 'status', 'extra'], "error: USAGE: too many arguments for 'status'. Expected 0 arguments but got 1. (see: oxbow quorum status --help)"],
    [
      ['topic', 'create', 'a', '--partitions', 'many'],
      "error: USAGE: option '--partitions <n>' argument 'many' is invalid. a whole number from 1 to 10000 is expected (see: oxbow topic create --help)",
    ],
    [
      ['topic', 'list', '-o', 'jsn'],
      "error: USAGE: option '-o, --output <format>' argument 'jsn' is invalid. Allowed choices are table, json. (did you mean json?)",
    ],
    [
      ['config', 'describe', 'topics', 'a'],
      "error: USAGE: command-argument value 'topics' is invalid for argument 'type'. Allowed choices are topic, broker. (did you mean topic?)",
    ],
    [
      ['topic', 'list', '-o', 'yaml'],
      "error: USAGE: option '-o, --output <format>' argument 'yaml' is invalid. Allowed choices are table, json. (see: oxbow topic list --help)",
    ],
    [
      ['topic', 'list', '--bootstrap', 'nowhere'],
      'error: USAGE: "nowhere" is not HOST:PORT (for example --bootstrap 127.0.0.1:9192,127.0.0.1:9193,127.0.0.1:9194)',
    ],
    [['topic', 'create', 'a', '--assignment', '1:x'], 'error: USAGE: "1:x" is no list of broker ids for partition 0 (for example --assignment 1:2:3,2:3:1)'],
    [['consume', 'a', '--group', 'g'], "error: USAGE: unknown option '--group' (see: oxbow consume --help)"],
    [
      ['consume', 'a', '--offset', 'soon'],
      'error: USAGE: --offset soon is not an offset (earliest, latest, an offset N, -N for the last N records, or @TIMESTAMP)',
    ],
    [['consume', 'a', '--print', 'size'], 'error: USAGE: --print size is unknown (choose from timestamp,partition,offset,headers,key)'],
    [['produce', 'a', '/no/such/file'], 'error: USAGE: /no/such/file cannot be read (give a file, or pipe lines into stdin)'],
    [
      ['produce', 'a', '--compression', 'gzp'],
      "error: USAGE: option '--compression <codec>' argument 'gzp' is invalid. Allowed choices are none, gzip, snappy, lz4, zstd. (did you mean gzip?)",
    ],
    [['dev', '--nodes', '10'], "error: USAGE: option '--nodes <n>' argument '10' is invalid. a whole number from 1 to 9 is expected (see: oxbow dev --help)"],
    [['sim', 'run', '--sed', '1'], 'error: USAGE: "--sed" is not an option of the simulator (see: oxbow sim run --help)'],
    [['sim', 'run', '--seed', 'one'], 'error: USAGE: --seed is "one", a whole number from 1 is expected (see: oxbow sim run --help)'],
    [['--bootstrap=a:1', 'topic', 'list'], "error: USAGE: unknown option '--bootstrap=a:1' (put it after the command)"],
    [['-otable', 'topic', 'list'], "error: USAGE: unknown option '-otable' (put it after the command)"],
    [['topic', '--timeout', '1', 'list'], "error: USAGE: unknown option '--timeout' (put it after the command)"],
    [['--nope', 'topic', 'list'], "error: USAGE: unknown option '--nope' (see: oxbow --help)"],
    [['nonsense'], "error: USAGE: unknown command 'nonsense' (see: oxbow --help)"],
    [['server', '--nodes', '1'], "error: USAGE: unknown option '--nodes' (did you mean --node?)"],
  ])('%j', async (args, line) => {
    const cluster = new CliCluster()
    cluster.fake.addTopic('a', 1)
    const run = await oxbow(args, { cluster })
    expect(run).toEqual({ code: 2, stdout: '', stderr: `${line}\n` })
  })

  it('come as JSON too with -o json, wherever it stands', async () => {
    const run = await oxbow(['topic', 'create', '-o', 'json', 'a', '--nope'])
    expect(run.code).toBe(2)
    expect(JSON.parse(run.stderr.split('\n')[1] ?? '')).toEqual({
      error: { code: 'USAGE', message: "unknown option '--nope'", retriable: false, definite: true },
    })
  })

  it.each([
    [[], 'npx oxbow dev', 'topic '],
    [['topic'], 'npx oxbow topic create orders', 'create [options] <name>'],
    [['quorum'], 'npx oxbow quorum status', 'replication [options]'],
  ])('without a sub-command %j shows what there is, an example first', async (args, example, listed) => {
    const run = await oxbow(args)
    expect(run).toMatchObject({ code: 2, stdout: '' })
    expect(run.stderr.split('\n').slice(0, 2)).toEqual(['Example:', `  $ ${example}`])
    expect(run.stderr).toContain(`\n  ${listed}`)
  })
})

describe('help', () => {
  it.each([
    [['--help'], '$ npx oxbow dev'],
    [['topic', 'create', '--help'], '$ npx oxbow topic create orders'],
    [['consume', '--help'], '$ npx oxbow consume logs'],
    [['quorum', 'replication', '--help'], '$ npx oxbow quorum replication'],
    [['topic', '--help'], '$ npx oxbow topic create orders'],
    [['config', '--help'], '$ npx oxbow config check'],
    [['cluster', '-h'], '$ npx oxbow cluster describe'],
    [['help', 'sim'], '$ npx oxbow sim run'],
    [['sim', 'run', '--help'], '$ npx oxbow sim run --seeds 1..300'],
    [['sim', 'run', '--seed', '1', '-h'], '$ npx oxbow sim run --seeds 1..300'],
  ])('%j shows an example first', async (args, example) => {
    const run = await oxbow(args)
    expect(run).toMatchObject({ code: 0, stderr: '' })
    expect(run.stdout.startsWith('Example:\n')).toBe(true)
    expect(run.stdout.split('\n')[1]).toContain(example)
  })

  it('of sim run lists the options of the simulator', async () => {
    const { stdout } = await oxbow(['sim', 'run', '--help'])
    expect(stdout).toContain('\nUsage: oxbow sim run [options]\n')
    expect(stdout).toContain('\n  --seeds A..B ')
  })

  it('knows its version', async () => {
    expect(await oxbow(['--version'])).toEqual({ code: 0, stdout: '0.0.0-test\n', stderr: '' })
  })
})

describe('failures', () => {
  it('a cluster that does not answer in time is 3', async () => {
    const cluster = new CliCluster()
    for (const nodeId of cluster.fake.nodeIds) cluster.fake.dead.add(nodeId)
    const run = await oxbow(['topic', 'list', '--timeout', '150'], { cluster })
    expect(run.code).toBe(3)
    expect(run.stdout).toBe('')
    expect(run.stderr).toMatch(/^error: NETWORK_EXCEPTION: refused \(is the cluster up at these addresses\? .*oxbow dev\)\n$/)
  })

  it.each([
    [new BrokerError('NOT_ENOUGH_REPLICAS', 'one of two'), 1, 'error: NOT_ENOUGH_REPLICAS: one of two (see: oxbow cluster describe)'],
    [new BrokerError('REQUEST_TIMED_OUT', 'late', { unanswered: true }), 3, /^error: REQUEST_TIMED_OUT: late \(see: oxbow cluster health; is the cluster up/],
    [new BrokerError('REQUEST_TIMED_OUT', 'no leader yet'), 3, 'error: REQUEST_TIMED_OUT: no leader yet (see: oxbow cluster describe)'],
    [
      new AdvisedError(new BrokerError('NETWORK_EXCEPTION', 'every node ended'), 'see what the nodes say: data/logs'),
      3,
      'error: NETWORK_EXCEPTION: every node ended (see what the nodes say: data/logs)',
    ],
    [new BrokerError('INVALID_TOPIC_EXCEPTION', 'no such letter'), 1, 'error: INVALID_TOPIC_EXCEPTION: no such letter (choose another name)'],
    [new BrokerError('UNSUPPORTED_VERSION', 'v9'), 1, 'error: UNSUPPORTED_VERSION: v9'],
    [new UsageError('no'), 2, 'error: USAGE: no'],
    [new Error('two\n  lines '), 1, 'error: UNKNOWN_SERVER_ERROR: two; lines (add --debug to see where)'],
    ['text', 1, 'error: UNKNOWN_SERVER_ERROR: text (add --debug to see where)'],
  ] as const)('%s', (error, code, line) => {
    const failure = failureOf(error)
    expect(failure.exitCode).toBe(code)
    expect(failureLine(failure)).toEqual(typeof line === 'string' ? line : expect.stringMatching(line))
    expect(failureLine(failure)).not.toContain('\n')
  })

  it('say in JSON whether it surely did not happen (rules R1.3)', () => {
    expect(JSON.parse(failureJson(failureOf(new BrokerError('REQUEST_TIMED_OUT', 'late'))))).toEqual({
      error: { code: 'REQUEST_TIMED_OUT', message: 'late', retriable: true, definite: false },
    })
  })

  it('show a stack with --debug only', async () => {
    const args = ['topic', 'describe', 'nope']
    expect((await oxbow(args)).stderr).not.toContain('    at ')
    expect((await oxbow([...args, '--debug'])).stderr).toContain('    at ')
  })
})

describe('nothing is answered', () => {
  it('is said on a terminal after two seconds, and nowhere else', async () => {
    const cluster = new CliCluster()
    for (const node of [1, 2, 3]) cluster.fake.dead.add(node)
    const args = ['topic', 'list', '--timeout', '4000']
    const [seen, piped] = await Promise.all([oxbow(args, { cluster, stderrIsTerminal: true }), oxbow(args, { cluster })])
    expect(seen.stderr).toMatch(/^Still waiting for the cluster at .+; until 4 s are over \(--timeout\)\.\nerror: /)
    expect(piped.stderr).toMatch(/^error: /)
    expect([seen.code, piped.code]).toEqual([3, 3])
  })
})
