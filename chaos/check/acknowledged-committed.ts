import { demand } from './violation.ts'

/** I4: an acknowledged offset < the greatest high watermark ever. Only for acks=all. */
export function checkAcknowledged(log: string, offset: number, greatestHighWatermark: number): void {
  demand(
    offset < greatestHighWatermark,
    'I4',
    () => `${log}: offset ${offset} was acknowledged, and no leader ever had a high watermark above ${greatestHighWatermark}`,
  )
}
