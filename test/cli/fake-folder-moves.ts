import { toApiError } from '../../src/broker/api-error.ts'
import { BrokerError } from '../../src/base/errors.ts'
import type { AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, LogDir, LogDirsDescription } from '../../src/wire/api.ts'

/** Moves between the data folders of nodes: all that a node holds goes together. */
export class FakeFolderMoves {
  readonly requests: AlterReplicaLogDirsRequest[] = []
  /** Looks at it until what moves is there. */
  looks = 1
  /** Why moves end without success; null: they succeed. */
  error: string | null = null
  readonly #moves = new Map<number, { readonly path: string; looks: number }>()

  request(nodeId: number, folders: readonly LogDir[], request: AlterReplicaLogDirsRequest): AlterReplicaLogDirsResponse {
    this.requests.push(request)
    const { path, partitions, validateOnly } = request
    const isKnown = path === null || folders.some((folder) => folder.path === path)
    if (isKnown && path !== null && !validateOnly) this.#moves.set(nodeId, { path, looks: this.looks })
    const error = isKnown ? null : toApiError(new BrokerError('LOG_DIR_NOT_FOUND', 'said the fake'))
    return { partitions: partitions.map((asked) => ({ ...asked, error })) }
  }

  describe(nodeId: number, folders: readonly LogDir[]): LogDirsDescription {
    const move = this.#moves.get(nodeId)
    if (move === undefined) return { nodeId, folders }
    const held = folders.flatMap(({ partitions }) => partitions)
    const isThere = move.looks-- <= 0 && this.error === null
    const partitionsIn = (path: string): LogDir['partitions'] => {
      if (path !== move.path) return isThere ? [] : held.map((one) => ({ ...one, moveError: this.error }))
      if (isThere) return held
      return this.error === null ? held.map((one) => ({ ...one, isFuture: true, sizeBytes: 12 })) : []
    }
    return { nodeId, folders: folders.map((folder) => ({ ...folder, partitions: partitionsIn(folder.path) })) }
  }
}
