import { expect, it } from 'vitest'
import { anomalyNames } from '../../../chaos/check/anomalies/anomaly.ts'
import { chooseFaults } from '../../../chaos/live/faults/catalogue.ts'
import { guiltyCases } from '../../../chaos/matrix/guilty-list.ts'
import { mutants } from '../../../chaos/sim/mutant-list.ts'

it.each(guiltyCases)(
  '$name breaks a rule that there is, by faults that there are, to be named by anomalies that there are, a death, or what is unread',
  ({ mutant, faults, expected, nodes = 3 }) => {
    if (mutant !== undefined) expect(mutants.map(({ name }) => name)).toContain(mutant)
    expect(chooseFaults(faults, nodes).length).toBeGreaterThan(0)
    expect([...anomalyNames, 'death', 'unread', 'register']).toEqual(expect.arrayContaining([...expected]))
    expect(expected.length).toBeGreaterThan(0)
  },
)
