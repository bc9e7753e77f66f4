import { rename } from 'node:fs'
import type { Level } from 'level'
import type { Checkpoints, CheckpointWrite } from '../base/checkpoints.ts'
import type { Done, DoneVoid } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import type { Logger } from '../base/log-line.ts'

type Database = Level<string, Buffer>

function failed(call: string, error: unknown): BrokerError {
  return new BrokerError('DISK_FAILED', `checkpoints ${call}: ${error instanceof Error ? error.message : String(error)}`)
}

/** Completes a promise of `level` by callback, in a turn of its own, so that what `done` throws is nobody's rejection. */
function settle<T>(call: string, promise: Promise<T>, done: Done<T>): void {
  promise.then(
    (value) => setImmediate(done, undefined, value),
    (error: unknown) => setImmediate(done, failed(call, error), undefined as T),
  )
}

/** Checkpoints over `level`. It was measured to lose synced records silently: only what can be rebuilt goes in (rules R3.7). */
class LevelCheckpoints implements Checkpoints {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  write(writes: readonly CheckpointWrite[], options: { readonly sync: boolean }, done: DoneVoid): void {
    const operations = writes.map((write) =>
      write.type === 'put' ? { type: 'put' as const, key: write.key, value: write.value } : { type: 'del' as const, key: write.key },
    )
    settle('write', this.#database.batch(operations, options), (error) => done(error))
  }

  get(key: string, done: Done<Buffer | undefined>): void {
    settle('get', this.#database.get(key) as Promise<Buffer | undefined>, done)
  }

  close(done: DoneVoid): void {
    settle('close', this.#database.close(), (error) => done(error))
  }
}

async function openDatabase(path: string): Promise<Database> {
  // Loaded late: it is native code, and most commands of the command line never need it.
  const level = await import('level')
  const database = new level.Level<string, Buffer>(path, { keyEncoding: 'utf8', valueEncoding: 'buffer' })
  await database.open()
  return database
}

/**
 * Opens or makes the store in the folder `path`. One that cannot be opened is set aside and a fresh one made: losing it only costs time
 * (rules R3.7). The data folder must be locked: a store in use cannot be told from a broken one.
 */
export function openLevelCheckpoints(path: string, logger: Logger, done: Done<Checkpoints>): void {
  settle('open', openDatabase(path), (error, database) => {
    if (error === undefined) {
      done(undefined, new LevelCheckpoints(database))
      return
    }
    const aside = `${path}.broken-${Date.now()}`
    logger.warn({ path, movedTo: aside, reason: error.message }, 'the checkpoints could not be opened: they are set aside, and rebuilt from the logs')
    rename(path, aside, (renameError) => {
      if (renameError) done(failed('set aside', renameError), undefined as never)
      else
        settle('open', openDatabase(path), (secondError, fresh) =>
          done(secondError, secondError === undefined ? new LevelCheckpoints(fresh) : (undefined as never)),
        )
    })
  })
}
