import { describe, expect, it } from 'vitest'
import { didYouMean } from '../../src/base/did-you-mean.ts'

describe('did you mean', () => {
  it.each([
    ['grpcport', 'grpcPort'],
    ['gprcPort', 'grpcPort'],
    ['httpPrt', 'httpPort'],
    ['zzz', undefined],
  ])('%s → %s', (word, meant) => {
    expect(didYouMean(word, ['grpcPort', 'httpPort', 'host'])).toBe(meant)
  })
})
