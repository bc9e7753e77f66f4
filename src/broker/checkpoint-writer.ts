import type { Checkpoints, CheckpointWrite } from '../base/checkpoints.ts'
import type { Clock } from '../base/clock.ts'
import type { DoneVoid } from '../base/done.ts'
import type { DataFolders } from './data-folders.ts'
import type { Replica } from './replica.ts'
import { checkpointKey, checkpointOf, encodeCheckpoint } from './replica-marks.ts'

/** Notes the marks of replicas (rules R3.3, R6.8); only those that changed. */
export class CheckpointWriter {
  readonly #folders: DataFolders
  readonly #checkpoints: Checkpoints
  readonly #clock: Pick<Clock, 'defer'>
  /** What was noted last, by log name. */
  readonly #written = new Map<string, string>()

  constructor(options: { readonly folders: DataFolders; readonly checkpoints: Checkpoints; readonly clock: Pick<Clock, 'defer'> }) {
    this.#folders = options.folders
    this.#checkpoints = options.checkpoints
    this.#clock = options.clock
  }

  /** Its next marks are noted, whatever they are. */
  forget(logName: string): void {
    this.#written.delete(logName)
  }

  /** `cleanEnds`: of a clean stop; null while the node runs. */
  write(replicas: ReadonlyMap<string, Replica>, cleanEnds: ReadonlyMap<string, number> | null, done: DoneVoid): void {
    const writes: CheckpointWrite[] = []
    const marks = new Map<string, string>()
    for (const [name, replica] of replicas) {
      const { core, suspect, dead } = replica
      // Until a reset is durable there are two logs that it could be of.
      if (core.syncedEndOffset < core.logStartOffset) continue
      const cleanEndOffset = cleanEnds?.get(name) ?? -1
      const folder = this.#folders.of(name)
      // The producers are those at the high watermark: they change with it alone.
      const mark = `${folder.directoryId} ${core.logStartOffset} ${core.highWatermark} ${core.syncedEndOffset} ${cleanEndOffset} ${suspect} ${dead}`
      if (this.#written.get(name) === mark) continue
      marks.set(name, mark)
      writes.push({ type: 'put', key: checkpointKey(name), value: encodeCheckpoint(checkpointOf(replica, folder, cleanEndOffset)) })
    }
    if (writes.length === 0) {
      this.#clock.defer(() => done(undefined))
      return
    }
    this.#checkpoints.write(writes, { sync: cleanEnds !== null }, (error) => {
      if (error === undefined) for (const [name, mark] of marks) if (replicas.has(name)) this.#written.set(name, mark)
      done(error)
    })
  }
}
