import { pick } from '../chaos/random-config.ts'
import { between, type Random } from '../src/base/random.ts'

/** What kind of records a batch holds: how well it compresses is theirs. Made of one seed, so that ratios are the same everywhere. */
export const sampleKinds = ['access log', 'JSON events', 'random bytes'] as const
export type SampleKind = (typeof sampleKinds)[number]

const RANDOM_BYTES = 256
const METHODS = ['GET', 'GET', 'GET', 'GET', 'POST', 'PUT', 'DELETE'] as const
const PATHS = ['/', '/cart', '/api/orders', '/api/products', '/static/app.js', '/static/style.css', '/login', '/search'] as const
const STATUSES = [200, 200, 200, 200, 204, 301, 304, 404, 500] as const
const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15',
  'curl/8.5.0',
] as const
const EVENTS = ['order-placed', 'order-paid', 'order-shipped', 'cart-updated'] as const

function accessLogLine(random: Random, timeMs: number): string {
  const address = [between(random, 1, 223), random.integer(256), random.integer(256), random.integer(256)].join('.')
  const request = `${pick(random, METHODS)} ${pick(random, PATHS)}?id=${random.integer(1_000_000)} HTTP/1.1`
  return `${address} - - [${new Date(timeMs).toISOString()}] "${request}" ${pick(random, STATUSES)} ${random.integer(100_000)} "-" "${pick(random, AGENTS)}"`
}

function jsonEvent(random: Random, timeMs: number): string {
  const items = Array.from({ length: between(random, 1, 4) }, () => ({
    sku: `sku-${random.integer(5_000)}`,
    count: between(random, 1, 9),
    cents: random.integer(50_000),
  }))
  return JSON.stringify({ event: pick(random, EVENTS), at: new Date(timeMs).toISOString(), customerId: random.integer(1_000_000), items })
}

export function sampleValue(kind: SampleKind, random: Random, timeMs: number): Buffer {
  switch (kind) {
    case 'access log':
      return Buffer.from(accessLogLine(random, timeMs))
    case 'JSON events':
      return Buffer.from(jsonEvent(random, timeMs))
    case 'random bytes':
      return Buffer.from(Array.from({ length: RANDOM_BYTES }, () => random.integer(256)))
  }
}
