import { demand } from '../../check/violation.ts'
import { nameOf } from './batches.ts'
import { minInSyncReplicasOf, partitionOf } from './control.ts'
import type { Registers } from './registers.ts'
import { commonLength } from '../abstract-disk.ts'
import type { World } from './world.ts'

/** What no single step can see (rules 7). `acknowledged`: how many records were, before the step. */
export function checkWorld(world: World, registers: Registers, acknowledged: number): void {
  checkHeld(world, registers)
  checkAcknowledged(world, registers, acknowledged)
}

/** I1: what was below a high watermark once is on the disk of all of ISR ∪ ELR. A disk that lost what it had is not to blame until it is in sync again. */
function checkHeld(world: World, registers: Registers): void {
  const { committed } = registers.histories.get(world.history)
  if (committed.length === 0) return
  const { image } = registers.controls.get(world.control)
  const { isr, elr } = partitionOf(image)
  for (let at = 0; at < world.replicas.length; at++) {
    const { nodeId, durable, harmed } = registers.replicas.get(world.replicas[at] as number)
    const isInSync = isr.some((member) => member.nodeId === nodeId)
    if (!isInSync && !elr.includes(nodeId)) continue
    if (harmed) continue
    demand(
      commonLength(committed, durable) === committed.length,
      'I1',
      () =>
        `node ${nodeId} is in the ${isInSync ? 'ISR' : 'ELR'}, ${registers.batches.describe(committed)} is committed, and its disk holds ${registers.batches.describe(durable)}`,
    )
  }
}

/** R1.1: it is on the disks of min in-sync replicas when it is acknowledged, or was, and one of them lost it since. */
function checkAcknowledged(world: World, registers: Registers, before: number): void {
  const { acknowledged, committed } = registers.histories.get(world.history)
  if (acknowledged.size === before) return
  const minimum = minInSyncReplicasOf(registers.controls.get(world.control).image)
  for (const [record, offset] of acknowledged) {
    const holders = world.replicas
      .map((number) => registers.replicas.get(number))
      .filter(({ durable, harmed }) => harmed || durable[offset] === committed[offset])
    demand(holders.length >= minimum, 'I4', () => `${nameOf(record)} was acknowledged at ${offset} and is on ${holders.length} disks`)
  }
}
