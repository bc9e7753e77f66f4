import { createServer, type Server, type ServerResponse } from 'node:http'
import { Board } from './board.ts'
import { page } from './page.ts'
import { levels } from './parse.ts'
import { type Alert, judge } from './rules.ts'
import { connect, ensureTopics, headerOf, readTail, run, sendAll, topics } from './stage.ts'
import type { Update } from './windows.ts'

/**
 * Asks the rules about each window of `logs.windows`, writes what they say to `logs.alerts`, and shows both: in the terminal, and on a page that
 * is live. An alert has an id that follows from its window: what was raised before is read from its own output, and one that stands there twice
 * is shown once.
 */
const POLL_MS = 300
const REDRAW_MS = 500
const DEFAULT_PORT = 9400
const HOST = '127.0.0.1'

/** The page, what it shows as a stream of events, and all counts as one document. */
class Web {
  readonly #board: Board
  readonly #viewers = new Set<ServerResponse>()
  readonly #server: Server

  constructor(board: Board) {
    this.#board = board
    this.#server = createServer((request, response) => {
      if (request.url === '/counts.json') {
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ totals: board.totals, windows: board.windows, alerts: board.alerts }))
      } else if (request.url === '/events') {
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
        this.#viewers.add(response)
        response.on('close', () => this.#viewers.delete(response))
        this.#tell(response)
      } else if (request.url === '/') response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page)
      else response.writeHead(404).end()
    })
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, HOST, () => resolve())
    })
  }

  update(): void {
    for (const viewer of this.#viewers) this.#tell(viewer)
  }

  /** A viewer that is slow misses a picture, not the newest one. */
  #tell(viewer: ServerResponse): void {
    if (!viewer.writableNeedDrain) viewer.write(`data: ${JSON.stringify(this.#board.view)}\n\n`)
  }
}

function drawTerminal(board: Board): void {
  const { totals, alerts } = board.view
  const rows = totals.map(({ name, counts, late, malformed }) => [name, ...levels.map((level) => counts[level] ?? 0), late, malformed])
  const lines = [['log', ...levels, 'late', 'malformed'], ...rows].map((cells) =>
    cells.map((cell, at) => (at === 0 ? String(cell).padEnd(32) : String(cell).padStart(10))).join(''),
  )
  const said = alerts.map(({ start, name, text }) => `${new Date(start).toISOString()} ${name}: ${text}`)
  process.stdout.write(`\x1b[2J\x1b[H${lines.join('\n')}\n\n${said.join('\n')}\n`)
}

run('show', async (signal) => {
  const port = Number(process.argv[2] ?? DEFAULT_PORT)
  const board = new Board()
  const client = connect()
  await ensureTopics(client)
  await readTail(client, { topic: topics.alerts, partition: 0, count: Number.MAX_SAFE_INTEGER }, (record) =>
    board.putAlert(JSON.parse(String(record.value)) as Alert),
  )
  const web = new Web(board)
  await web.listen(port)
  process.stdout.write(`show: http://${HOST}:${port}\n`)
  const consumer = client.consumer()
  await consumer.assign([
    { topic: topics.windows, partition: 0, offset: 'earliest' },
    { topic: topics.alerts, partition: 0, offset: 'earliest' },
  ])
  const producer = client.producer()
  const raised = new Set<string>()
  let drawnAtMs = Number.NEGATIVE_INFINITY
  let isDue = true
  while (!signal.aborted) {
    const alerts: Alert[] = []
    for (const record of await consumer.poll({ maxRecords: 2_000, timeoutMs: POLL_MS })) {
      if (record.topic === topics.alerts) {
        const alert = JSON.parse(String(record.value)) as Alert
        if (board.putAlert(alert) && !process.stdout.isTTY) process.stdout.write(`alert: ${new Date(alert.start).toISOString()} ${alert.name}: ${alert.text}\n`)
      } else {
        const update = JSON.parse(String(record.value)) as Update
        if (!board.put(update, Number(headerOf(record, 'version')))) continue
        if (update.type === 'window') alerts.push(...judge(update).filter(({ id }) => !board.hasAlert(id) && !raised.has(id)))
      }
      isDue = true
    }
    for (const { id } of alerts) raised.add(id)
    await sendAll(
      producer,
      [...new Map(alerts.map((alert) => [alert.id, alert])).values()].map((alert) => ({ topic: topics.alerts, key: alert.id, value: JSON.stringify(alert) })),
    )
    if (!isDue || performance.now() - drawnAtMs < REDRAW_MS) continue
    isDue = false
    drawnAtMs = performance.now()
    web.update()
    if (process.stdout.isTTY) drawTerminal(board)
  }
  await client.close()
})
