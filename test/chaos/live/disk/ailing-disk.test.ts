import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { AilingDisk, healthy } from '../../../../chaos/live/disk/ailing-disk.ts'
import type { DiskFile } from '../../../../src/base/disk.ts'
import { call, callVoid, runTask, type Task } from '../../../../src/base/task.ts'
import { NodeDisk } from '../../../../src/node/disk.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'oxbow-ailing-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function run<T>(task: Task<T>): Promise<T> {
  return new Promise((resolve, reject) => runTask(task, (error, value) => (error === undefined ? resolve(value) : reject(error))))
}

/** Which calls fail, with what. */
function* tryAll(disk: AilingDisk, file: DiskFile): Task<Record<string, string>> {
  const calls: Record<string, Task<unknown>> = {
    write: callVoid((done) => file.writev([Buffer.from('x')], 0, done)),
    sync: callVoid((done) => file.sync(done)),
    read: call<Buffer>((done) => file.read(0, 1, done)),
    size: call<number>((done) => file.size(done)),
    truncate: callVoid((done) => file.truncate(1, done)),
    readFile: call<Buffer | undefined>((done) => disk.readFile('file', done)),
    list: call<readonly string[]>((done) => disk.list('', done)),
    rename: callVoid((done) => disk.rename('file', 'other', done)),
    remove: callVoid((done) => disk.remove('other', done)),
  }
  const failed: Record<string, string> = {}
  for (const [name, task] of Object.entries(calls)) {
    try {
      yield* task
    } catch (error) {
      failed[name] = (error as Error).message
    }
  }
  return failed
}

it.each([
  ['nothing fails', null, []],
  ['what takes room fails', 'ENOSPC', ['sync', 'write']],
  ['everything fails', 'EIO', ['list', 'read', 'readFile', 'remove', 'rename', 'size', 'sync', 'truncate', 'write']],
] as const)('of a disk with this ailment %s: %s', async (_, failWith, names) => {
  const disk = new AilingDisk(new NodeDisk(folder))
  const file = (await run(call<DiskFile | undefined>((done) => disk.open('file', { create: true }, done)))) as DiskFile
  disk.ailment = { ...healthy, failWith }
  const failed = await run(tryAll(disk, file))
  expect(Object.keys(failed).sort()).toEqual(names)
  for (const message of Object.values(failed)) expect(message).toContain('made up by chaos')
  expect(disk.counts.failed).toBe(names.length)
  disk.ailment = healthy
  await run(callVoid((done) => file.close(done)))
})
