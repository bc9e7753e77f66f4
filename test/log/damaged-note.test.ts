import { describe, expect, it } from 'vitest'
import { formatDamagedNote, parseDamagedNote } from '../../src/log/damaged-note.ts'

describe('the mark beside a damaged log (R3.4)', () => {
  it('says what was written, the start that was lost too; what older marks do not say was not so', () => {
    const note = { claimedEndOffset: 7, firstBadOffset: 3, isStartLost: true, reason: 'a batch is bad' }
    expect(parseDamagedNote(formatDamagedNote(note))).toEqual(note)
    const older = '{"claimedEndOffset":7,"firstBadOffset":3,"reason":"a batch is bad"}\n'
    expect(parseDamagedNote(older)).toEqual({ ...note, isStartLost: false })
    expect(formatDamagedNote({ ...note, isStartLost: false })).toBe(older)
  })

  it('that cannot be read leaves nothing to count on, least of all where the log begins', () => {
    for (const content of ['', 'bad disk?', '{"claimedEndOffset":"7"}', 'null'])
      expect(parseDamagedNote(content)).toMatchObject({ claimedEndOffset: 0, firstBadOffset: 0, isStartLost: true })
  })
})
