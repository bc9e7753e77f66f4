import type { Logger } from '../base/log-line.ts'
import { DAMAGED_NOTE, formatDamagedNote } from '../log/damaged-note.ts'
import type { LogDirectory } from '../log/surface.ts'
import type { Replica } from './replica.ts'

/** The mark beside a damaged log, which outlives restarts (rules R3.4): set as damage is found, removed as the replica is in the ISR again. */
export class DamageMarks {
  readonly #directoryOf: (replica: Replica) => LogDirectory
  readonly #logger: Logger

  constructor(options: { readonly directoryOf: (replica: Replica) => LogDirectory; readonly logger: Logger }) {
    this.#directoryOf = options.directoryOf
    this.#logger = options.logger
  }

  /** Should the note not make it to the disk, the checkpoint keeps the replica suspect at least. */
  set(replica: Replica, reason: string): void {
    replica.damaged = true
    replica.suspect = true
    const { syncedEndOffset, startOffset } = replica.log
    const { isStartLost } = replica.core
    this.#write(replica, formatDamagedNote({ claimedEndOffset: syncedEndOffset, firstBadOffset: startOffset, isStartLost, reason }), 'written')
  }

  clear(replica: Replica): void {
    replica.damaged = false
    replica.logger.info({}, 'replica repaired: it is in the ISR again')
    this.#write(replica, null, 'removed')
  }

  #write(replica: Replica, note: string | null, what: string): void {
    const { name } = replica.log
    this.#directoryOf(replica).writeNote(name, DAMAGED_NOTE, note, (error) => {
      if (error !== undefined) this.#logger.error({ log: name, error: error.message }, `the damaged mark could not be ${what}`)
    })
  }
}
