import { expect, it } from 'vitest'
import { DurableFolders } from '../../../chaos/check/durable-folders.ts'
import { SimClock } from '../../../chaos/sim/clock.ts'
import { SimDisk } from '../../../chaos/sim/disk.ts'
import { EventQueue } from '../../../chaos/sim/event-queue.ts'
import type { DiskFile } from '../../../src/base/disk.ts'
import { SeededRandom } from '../../../src/base/random.ts'
import { snapshotFileName } from '../../../src/log/snapshot-files.ts'

const LOG = 'metadata'
const UNFINISHED = `${LOG}/received.checkpoint.tmp`
const NAME = `${LOG}/${snapshotFileName({ endOffset: 158, lastTerm: 3 })}`

function setUp(seed = 1) {
  const queue = new EventQueue()
  let disk = new SimDisk({ clock: new SimClock(queue, null), random: new SeededRandom(seed), minLatencyMs: 1, maxLatencyMs: 2 })
  const durable = new DurableFolders(1)
  let wrapped = durable.wrap(0, disk)
  const settle = (): void => {
    while (queue.step() !== undefined);
  }
  const open = (): DiskFile => {
    let opened: DiskFile | undefined
    wrapped.mkdir(LOG, () => wrapped.syncFolder('', () => wrapped.open(UNFINISHED, { create: true }, (_error, file) => (opened = file))))
    settle()
    return opened as DiskFile
  }
  return {
    open,
    settle,
    endOffset: () => durable.endOffset(LOG),
    rename: () => wrapped.rename(UNFINISHED, NAME, () => undefined),
    remove: () => wrapped.remove(NAME, () => undefined),
    syncFolder: () => wrapped.syncFolder(LOG, () => undefined),
    isThere: () => disk.sizeOf(NAME) !== undefined,
    losePower: () => {
      disk.powerLoss()
      disk = disk.reopen()
      wrapped = durable.wrap(0, disk)
    },
  }
}

/** Written and, if so, synced, and under its name. */
function finish(machine: ReturnType<typeof setUp>, isSynced = true): void {
  const file = machine.open()
  file.writev([Buffer.alloc(100)], 0, () => undefined)
  machine.settle()
  if (isSynced) file.sync(() => undefined)
  machine.settle()
  machine.rename()
  machine.settle()
}

it('a disk holds what its snapshots hold, from the sync of the folder in which one has its name until it is removed', () => {
  const machine = setUp()
  finish(machine)
  expect(machine.endOffset()).toBe(0)
  machine.syncFolder()
  expect(machine.endOffset()).toBe(0)
  machine.settle()
  expect(machine.endOffset()).toBe(158)
  machine.remove()
  expect(machine.endOffset()).toBe(0)
})

it('a snapshot of which bytes were not synced counts for nothing', () => {
  const machine = setUp()
  finish(machine, false)
  machine.syncFolder()
  machine.settle()
  expect(machine.endOffset()).toBe(0)
})

it('a snapshot whose name a power loss took counts for nothing, whatever is synced later', () => {
  const fates = Array.from({ length: 20 }, (_, seed) => {
    const machine = setUp(seed)
    finish(machine)
    machine.losePower()
    const isThere = machine.isThere()
    machine.syncFolder()
    machine.settle()
    expect(machine.endOffset()).toBe(isThere ? 158 : 0)
    return isThere
  })
  expect(new Set(fates).size).toBe(2)
})
