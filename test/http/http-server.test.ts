import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHttpServer, type HealthStatus, type HttpServer, type HttpServerOptions } from '../../src/http/http-server.ts'
import { silentLogger } from '../contract/silent-logger.ts'

describe('metrics and health over HTTP', () => {
  let server: HttpServer
  let base: string
  let port: number
  let status: HealthStatus
  let missing: readonly string[]
  let metrics: () => Promise<string>

  function options(): HttpServerOptions {
    const debug = { log: () => '{"msg":"one"}\n{"msg":"two"}\n', runtime: () => ({ pid: 7 }), config: () => ({ version: '1.2.3' }) }
    return { status: () => status, missing: () => missing, metrics: () => metrics(), debug, logger: silentLogger }
  }

  beforeEach(async () => {
    status = { nodeId: 2, role: 'follower', term: 7, leaderId: 1 }
    missing = []
    metrics = async () => '# HELP x\nx 1\n'
    server = createHttpServer(options())
    port = await new Promise<number>((resolve, reject) => server.bind('127.0.0.1', 0, (error, bound) => (error === undefined ? resolve(bound) : reject(error))))
    base = `http://127.0.0.1:${port}`
  })

  afterEach(() => new Promise<void>((resolve) => server.stop(() => resolve())))

  it('/healthz is 200 with role and term for as long as the process answers, with or without a leader', async () => {
    const healthy = await fetch(`${base}/healthz?x=1`)
    expect(healthy.status).toBe(200)
    expect(await healthy.json()).toEqual({ status: 'ok', nodeId: 2, role: 'follower', term: 7, leaderId: 1 })
    status = { ...status, leaderId: null }
    missing = ['a leader']
    const alone = await fetch(`${base}/healthz`)
    expect(alone.status).toBe(200)
    expect(await alone.json()).toMatchObject({ status: 'ok', leaderId: null })
  })

  it('/readyz is 200 when nothing is missing, else 503 with what is', async () => {
    const ready = await fetch(`${base}/readyz`)
    expect([ready.status, await ready.json()]).toEqual([200, { ready: true, missing: [] }])
    missing = ['the disk is low: free some space', 'this broker is fenced: wait']
    const unready = await fetch(`${base}/readyz`)
    expect([unready.status, await unready.json()]).toEqual([503, { ready: false, missing }])
  })

  it('the pages below /debug are the log as it was written, the process and the config', async () => {
    const log = await fetch(`${base}/debug/log`)
    expect([log.status, log.headers.get('content-type'), await log.text()]).toEqual([200, 'application/x-ndjson', '{"msg":"one"}\n{"msg":"two"}\n'])
    expect(await (await fetch(`${base}/debug/runtime`)).json()).toEqual({ pid: 7 })
    expect(await (await fetch(`${base}/debug/config`)).json()).toEqual({ version: '1.2.3' })
  })

  it('/metrics is the text of the registry; when it cannot be gathered, 500 and the node lives', async () => {
    const good = await fetch(`${base}/metrics`)
    expect([good.status, good.headers.get('content-type'), await good.text()]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8', '# HELP x\nx 1\n'])
    metrics = () => Promise.reject(new Error('no'))
    expect((await fetch(`${base}/metrics`)).status).toBe(500)
    expect((await fetch(`${base}/healthz`)).status).toBe(200)
  })

  /** What is heard on a connection that sends `count` requests in one packet, until it closes. */
  function pipelined(count: number): Promise<number> {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port })
      let text = ''
      socket.on('data', (bytes) => {
        text += bytes.toString()
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(text.split('HTTP/1.1 200 ').length - 1))
      socket.end('GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(count))
    })
  }

  it('twenty requests in one packet are answered and cost one gathering; a thousand end their connection', async () => {
    let gathered = 0
    metrics = async () => {
      gathered += 1
      await new Promise((resolve) => setImmediate(resolve))
      return 'x 1\n'
    }
    expect(await pipelined(20)).toBe(20)
    expect(gathered).toBe(1)
    expect(await pipelined(1_000)).toBe(0)
    expect(gathered).toBe(2)
    expect((await fetch(`${base}/healthz`)).status).toBe(200)
  })

  it('a connection that reads its answers may go on for ever', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ports = new Set<number | undefined>()
    for (let round = 0; round < 50; round++) {
      await new Promise<void>((resolve, reject) => {
        const request = get({ agent, host: '127.0.0.1', port, path: '/metrics' }, (response) => {
          ports.add(request.socket?.localPort)
          response.resume().on('end', resolve)
        })
        request.on('error', reject)
      })
    }
    agent.destroy()
    expect(ports.size).toBe(1)
  })

  it('anything else is 404 with what there is, or 405', async () => {
    const lost = await fetch(`${base}/nope`)
    expect([lost.status, await lost.text()]).toEqual([404, 'nothing here: try /healthz, /readyz, /metrics, /debug/log, /debug/runtime, /debug/config\n'])
    expect((await fetch(`${base}/metrics`, { method: 'POST', body: 'x'.repeat(100_000) })).status).toBe(405)
  })

  it('headers are bounded, rubbish is refused, and the node lives', async () => {
    const answers = [`GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, '\u0000\u0001\u0002 rubbish\r\n\r\n'].map(
      (text) =>
        new Promise<string>((resolve, reject) => {
          const socket = connect({ host: '127.0.0.1', port })
          let heard = ''
          socket.on('data', (bytes) => {
            heard += bytes.toString()
          })
          socket.on('error', reject)
          socket.on('close', () => resolve(heard))
          socket.write(text)
        }),
    )
    expect((await Promise.all(answers)).map((answer) => answer.split('\r\n', 1)[0])).toEqual([
      'HTTP/1.1 431 Request Header Fields Too Large',
      'HTTP/1.1 400 Bad Request',
    ])
    expect((await fetch(`${base}/healthz`)).status).toBe(200)
  })

  it('a port in use is named, with what to do', async () => {
    const other = createHttpServer(options())
    const error = await new Promise<Error | undefined>((resolve) => other.bind('127.0.0.1', port, (failure) => resolve(failure)))
    expect(error?.message).toContain(`cannot listen on 127.0.0.1:${port}: another process listens there`)
  })
})
