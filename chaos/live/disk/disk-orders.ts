import { hasType } from '../has-type.ts'
import type { Ailment, AilmentCounts } from './ailing-disk.ts'

/** What the harness asks of a node that runs on such disks, over the channel between them. It answers each with a report. */
export interface DiskOrder {
  readonly type: 'disk order'
  /** Undefined: as it is. */
  readonly ailment: Ailment | undefined
}

export interface DiskReport extends Readonly<AilmentCounts> {
  readonly type: 'disk report'
  /** Written and not synced: what a power loss would take now. */
  readonly unsyncedBytes: number
}

export function isDiskOrder(message: unknown): message is DiskOrder {
  return hasType(message, 'disk order')
}

export function isDiskReport(message: unknown): message is DiskReport {
  return hasType(message, 'disk report')
}
