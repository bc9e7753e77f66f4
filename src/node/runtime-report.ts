import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'

const NANOSECONDS_A_MS = 1e6
/** Wakes the process so often; the delays it can see are at least as long. */
const RESOLUTION_MS = 20

/** How the process is, for a debug bundle. Watching begins with the report's making. */
export class RuntimeReport {
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })

  constructor() {
    this.#delay.enable()
  }

  /** Times in milliseconds, sizes in bytes; the event loop delay since the process began. */
  take(): object {
    const delay = this.#delay
    const ms = (nanoseconds: number): number => Math.round((nanoseconds / NANOSECONDS_A_MS) * 100) / 100
    return {
      pid: process.pid,
      nodeVersion: process.version,
      platform: `${process.platform} ${process.arch}`,
      uptimeMs: Math.round(performance.now()),
      cpu: process.cpuUsage(),
      resources: process.resourceUsage(),
      memory: process.memoryUsage(),
      heap: getHeapStatistics(),
      eventLoopDelayMs: {
        resolution: RESOLUTION_MS,
        mean: ms(delay.mean),
        p50: ms(delay.percentile(50)),
        p99: ms(delay.percentile(99)),
        max: ms(delay.max),
      },
      eventLoopUtilization: performance.eventLoopUtilization(),
      activeResources: countByName(process.getActiveResourcesInfo()),
    }
  }
}

function countByName(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1
  return counts
}
