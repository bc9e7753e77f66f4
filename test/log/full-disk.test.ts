import { describe, expect, it } from 'vitest'
import type { Log } from '../../src/log/surface.ts'
import { append, World } from './world.ts'

const MIB = 1024 * 1024
const METADATA = 'metadata'
const ORDERS = 'partitions/orders-0'

/** Two logs, and from now on no byte is left on the disk; something else takes up what may be given back. */
function full(): { world: World; metadata: Log; orders: Log } {
  const world = new World()
  world.start()
  const metadata = world.open(METADATA).log
  const orders = world.open(ORDERS).log
  for (const log of [metadata, orders]) append(log)
  world.clock.run()
  world.disk.leave(0)
  return { world, metadata, orders }
}

function runFor(world: World, ms: number): void {
  let isOver = false
  world.clock.after(ms, () => {
    isOver = true
  })
  while (!isOver) world.clock.step()
}

describe('R3.5: on a disk without room', () => {
  it('a log waits, and goes on where it was: nothing of it is lost, and nothing is there twice', () => {
    const { world, orders } = full()
    const kept = [append(orders, { payload: 3_000 }), append(orders)]
    runFor(world, 10_000)
    expect([orders.syncedEndOffset, orders.endOffset, world.said.filter(({ type }) => type === 'failed')]).toEqual([1, 3, []])
    expect(world.read(orders, 1)).toEqual(Buffer.concat(kept))
    world.disk.leave(100 * MIB)
    runFor(world, 1_000)
    expect(orders.syncedEndOffset).toBe(3)
    world.disk.powerLoss()
    world.start()
    expect(world.open(ORDERS, { safeEndOffset: 3 }).recovery.verdict).toBe('whole')
  })

  it('the others are not held up by it; and it leaves to the metadata what little there is', () => {
    const { world, metadata, orders } = full()
    append(orders)
    append(metadata)
    runFor(world, 3_000)
    expect([metadata.syncedEndOffset, orders.syncedEndOffset]).toEqual([1, 1])
    world.disk.leave(8 * MIB)
    runFor(world, 3_000)
    append(metadata)
    runFor(world, 100)
    expect([metadata.syncedEndOffset, orders.syncedEndOffset]).toEqual([3, 1])
  })

  it('a log that waits can be deleted: nobody else may bring room', () => {
    const { world, orders } = full()
    append(orders)
    runFor(world, 3_000)
    world.disk.leave(MIB)
    world.clock.waitVoid((done) => world.directory!.quarantine(ORDERS, done))
    expect(world.directory!.names).toEqual([METADATA])
  })

  it('what waits keeps no node from ending; its next start is not a clean one', () => {
    const { world, orders } = full()
    append(orders)
    runFor(world, 3_000)
    expect(world.close()).toEqual(new Map([[METADATA, 1]]))
    world.disk.leave(MIB)
    world.start()
    expect(world.directory!.start.stoppedCleanly).toBe(false)
  })

  it('a copy that nobody needs yet dies', () => {
    const { world } = full()
    world.disk.leave(MIB)
    const { log: copy } = world.clock.wait((done: Parameters<NonNullable<typeof world.directory>['openLog']>[1]) =>
      world.directory!.openLog(
        { name: 'partitions/moved-0', marks: { safeEndOffset: 0, cleanEndOffset: -1 }, visitFrom: 0, visit: () => undefined, isCopy: true },
        done,
      ),
    )
    world.disk.leave(0)
    append(copy)
    runFor(world, 100)
    expect(world.said.at(-1)).toMatchObject({ type: 'failed', log: 'partitions/moved-0' })
  })
})
