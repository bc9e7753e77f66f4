import { fc, it } from '@fast-check/vitest'
import stringWidth from 'string-width'
import { describe, expect } from 'vitest'
import { textWidth } from '../../src/cli/text-width.ts'

const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.constantFrom('', 'orders-1', '流れ', '\u001b[1mbold\u001b[22m', '\t', '👩‍👩‍👧'))

describe('the width of a text', () => {
  it.prop([text])('is what string-width says, whether it had to be asked or not', (one) => {
    expect(textWidth(one)).toBe(stringWidth(one))
  })
})
