import { connect } from 'node:net'

/** Both reconnects must fail within this time of each other's start (rules R5.5 a). */
const EVIDENCE_WINDOW_MS = 200
const SECOND_PROBE_AFTER_MS = 50

/** What one reconnect found; a probe that finds nothing in time says nothing. */
type Finding = 'refused' | 'alive'

/**
 * Tries to connect twice, and says true when both attempts were refused, or closed before a byte came (a listener speaks first: HTTP/2
 * settings). A paused process still accepts, a cut network answers nothing: neither is evidence, and false is said. Returns how to stop.
 */
export function probeGone(address: { readonly host: string; readonly port: number }, done: (gone: boolean) => void): () => void {
  const stops: (() => void)[] = []
  let refused = 0
  const end = (gone: boolean | undefined): void => {
    for (const stop of stops.splice(0)) stop()
    if (gone !== undefined) done(gone)
  }
  const probe = (): void => {
    stops.push(
      probeOnce(address, (finding) => {
        if (finding === 'alive') end(false)
        else if (++refused === 2) end(true)
      }),
    )
  }
  const second = setTimeout(probe, SECOND_PROBE_AFTER_MS)
  const window = setTimeout(() => end(false), EVIDENCE_WINDOW_MS)
  stops.push(
    () => clearTimeout(second),
    () => clearTimeout(window),
  )
  probe()
  return () => end(undefined)
}

function probeOnce(address: { readonly host: string; readonly port: number }, found: (finding: Finding) => void): () => void {
  const socket = connect({ host: address.host, port: address.port })
  let connected = false
  let settled = false
  const settle = (finding: Finding | undefined): void => {
    if (settled) return
    settled = true
    socket.destroy()
    if (finding !== undefined) found(finding)
  }
  socket.on('connect', () => {
    connected = true
  })
  socket.on('data', () => settle('alive'))
  socket.on('error', (error: NodeJS.ErrnoException) => {
    // Only these come from the peer's machine; an unreachable network says nothing about the process.
    settle(error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET' ? 'refused' : undefined)
  })
  socket.on('close', () => settle(connected ? 'refused' : undefined))
  return () => settle(undefined)
}
