import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { fdatasync, write } from 'node:fs'
import { join } from 'node:path'

/**
 * One bare process of the floor: writes and syncs the same bytes in the same chunks to as many files as there are partitions, nothing
 * else. Arguments: folder, megabytes, chunk bytes, files. Prints the seconds that it took.
 */
const [folder = '.', megabytes = '64', chunkBytes = '65536', files = '6'] = process.argv.slice(2)
const chunk = Buffer.alloc(Number(chunkBytes), 'x')
const chunksAFile = Math.ceil((Number(megabytes) * 1024 * 1024) / chunk.length / Number(files))

function writeFile(path: string): Promise<void> {
  const fd = openSync(path, 'w')
  return new Promise((resolve, reject) => {
    const next = (written: number): void => {
      if (written === chunksAFile) {
        closeSync(fd)
        resolve()
        return
      }
      write(fd, chunk, 0, chunk.length, written * chunk.length, (writeError) => {
        if (writeError !== null) reject(writeError)
        else fdatasync(fd, (syncError) => (syncError === null ? next(written + 1) : reject(syncError)))
      })
    }
    next(0)
  })
}

mkdirSync(folder, { recursive: true })
const startedAt = process.hrtime.bigint()
await Promise.all(Array.from({ length: Number(files) }, (_, at) => writeFile(join(folder, `floor-${at}`))))
process.stdout.write(`${Number(process.hrtime.bigint() - startedAt) / 1e9}\n`)
rmSync(folder, { recursive: true, force: true })
