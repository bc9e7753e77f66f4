import { get } from 'node:http'

/** Wall clock of a node by its HTTP port, ms, exact to a second; undefined: it does not say within timeoutMs. */
export type ClockProbe = (host: string, port: number, timeoutMs: number) => Promise<number | undefined>

export const clockProbe: ClockProbe = (host, port, timeoutMs) =>
  new Promise((resolve) => {
    const request = get({ host, port, path: '/healthz', agent: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      response.resume()
      const ms = Date.parse(response.headers.date ?? '')
      resolve(Number.isNaN(ms) ? undefined : ms)
    })
    request.on('error', () => resolve(undefined))
  })
