import { afterEach, expect, it, vi } from 'vitest'
import { lackOfJepsen } from '../../../../chaos/live/jepsen/compare-jepsen.ts'

afterEach(() => vi.unstubAllEnvs())

it('what Jepsen lacks is said: where it is, or that it is not there', async () => {
  vi.stubEnv('JEPSEN_CLASSPATH', '')
  expect(await lackOfJepsen()).toMatch(/^JEPSEN_CLASSPATH is not set: /)
  vi.stubEnv('JEPSEN_CLASSPATH', '/nowhere.jar')
  expect(await lackOfJepsen()).toMatch(/^java cannot load jepsen\.tests\.kafka from JEPSEN_CLASSPATH: /)
})
