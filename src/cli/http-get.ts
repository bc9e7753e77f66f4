import { get } from 'node:http'

export interface HttpAnswer {
  readonly status: number
  readonly body: Buffer
}

/** One GET to a node's own pages. Rejects when it takes longer than timeoutMs, answers more than maxBytes, or cannot be reached. */
export function httpGet(url: string, options: { readonly timeoutMs: number; readonly maxBytes: number }): Promise<HttpAnswer> {
  const { timeoutMs, maxBytes } = options
  return new Promise((fulfil, reject) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const failed = (error: Error): void => reject(signal.aborted ? new Error(`no answer within ${timeoutMs} ms`) : error)
    const request = get(url, { signal, agent: false }, (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        chunks.push(chunk)
        if (bytes > maxBytes) request.destroy(new Error(`more than ${maxBytes} bytes`))
      })
      response.on('error', failed)
      response.on('end', () => fulfil({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) }))
    })
    request.on('error', failed)
  })
}
