import { connect } from 'node:net'

/** Whether somebody listens there: undefined, or the system's code of what is wrong (ECONNREFUSED, ENOTFOUND, ETIMEDOUT). */
export type TcpProbe = (host: string, port: number, timeoutMs: number) => Promise<string | undefined>

export const tcpProbe: TcpProbe = (host, port, timeoutMs) =>
  new Promise((resolve) => {
    const socket = connect({ host: host.replace(/^\[(.*)\]$/, '$1'), port })
    const end = (result: string | undefined): void => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(timeoutMs, () => end('ETIMEDOUT'))
    socket.once('connect', () => end(undefined))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
