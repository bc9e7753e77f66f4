import { defineConfig } from 'vitest/config'
import { isOpened, openPrivateNames } from './chaos/explore/open-cores.ts'

/** Explored cores are read and copied as a whole: chaos/explore/open-cores.ts. */
const openCores = {
  name: 'open-cores',
  enforce: 'pre',
  transform: (code: string, path: string): string | undefined => (isOpened(path) ? openPrivateNames(code) : undefined),
} as const

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/live/**', 'test/chaos/explore/**'],
          environment: 'node',
          testTimeout: 20_000,
        },
      },
      {
        plugins: [openCores],
        test: {
          name: 'explored',
          include: ['test/chaos/explore/**/*.test.ts'],
          environment: 'node',
          testTimeout: 60_000,
        },
      },
      {
        // Real processes on real ports: one file after the other.
        test: {
          name: 'live',
          include: ['test/live/**/*.test.ts'],
          environment: 'node',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
