import { describe, expect, it } from 'vitest'
import type { DiskFile } from '../../src/base/disk.ts'
import { METADATA_LOG } from '../../src/log/surface.ts'
import { hashImage } from '../../src/metadata/hash.ts'
import { peekBatchSize } from '../../src/record/batch.ts'
import { encodeBatch } from '../../src/record/records.ts'
import type { RaftMessage } from '../../src/raft/messages.ts'
import { type MetadataNode, MetadataQuorum } from './metadata-quorum.ts'

/** The next entry that is on its way is changed there, once. */
function spoilNext(quorum: MetadataQuorum, spoil: (bytes: Buffer) => Buffer): void {
  quorum.carry = (message: RaftMessage) => {
    if (message.type !== 'append' || message.entries.length === 0) return message
    quorum.carry = (other) => other
    return { ...message, entries: message.entries.map(({ term, bytes }) => ({ term, bytes: spoil(Buffer.from(bytes)) })) }
  }
}

function follow(): { readonly quorum: MetadataQuorum; readonly voter: MetadataNode; readonly observer: MetadataNode } {
  const quorum = new MetadataQuorum(1)
  const voter = quorum.add(1)
  const observer = quorum.add(2)
  voter.start()
  observer.start()
  quorum.until(() => voter.isLeader && voter.image.offset > 0 && observer.image.offset === voter.image.offset, 'the observer has all')
  return { quorum, voter, observer }
}

describe('R3.3 an entry of the metadata log on its way', () => {
  const ways: Record<string, (bytes: Buffer) => Buffer> = {
    'has a flipped byte in its decision': (bytes) => {
      bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 0x40
      return bytes
    },
    'has another format': (bytes) => {
      bytes[16] = 3
      return bytes
    },
    'lost its end': (bytes) => bytes.subarray(0, -1),
    'lost nearly all': (bytes) => bytes.subarray(0, 20),
  }
  for (const [how, spoil] of Object.entries(ways)) {
    it(`${how}: it is not taken, and comes again`, () => {
      const { quorum, voter, observer } = follow()
      spoilNext(quorum, spoil)
      for (let made = 0; made < 2; made++) {
        const { offset } = voter.image
        voter.propose()
        quorum.until(() => voter.image.offset > offset, 'a decision')
      }
      quorum.until(() => observer.image.offset === voter.image.offset, 'the observer has all')
      expect(hashImage(observer.image)).toBe(quorum.hashAt(observer.image.offset))
      expect(observer.failure).toBeUndefined()
      expect(observer.lines.filter(({ level, message }) => level === 'warn' && message.includes('changed on their way'))).toHaveLength(1)
    })
  }

  it('is of a version that this one cannot read: the node ends, and says what to do', () => {
    const { quorum, voter, observer } = follow()
    const unknownRecord = Buffer.from([0x0a, 0x03, 0x9a, 0x06, 0x00])
    spoilNext(quorum, () => encodeBatch([{ timestamp: 0, key: null, value: unknownRecord }]))
    const { endOffset } = observer.raft.raft.core
    voter.propose()
    quorum.until(() => observer.raft.raft.core.endOffset > endOffset, 'the observer has it')
    expect(observer.failure?.message).toMatch(new RegExp(`appended at offset ${endOffset}: a newer version wrote an entry .*run that version here`))
    // What it has on its disk says so at each start, until then.
    quorum.until(() => observer.folder.metadata.opened.log.syncedEndOffset > endOffset, 'it is on the disk')
    observer.crash('kill')
    expect(() => observer.start()).toThrow(/a newer version wrote an entry .*run that version here/)
  })
})

describe('R3.6 the vote file says of which term the last synced entry is', () => {
  const LOG_FILE = `${METADATA_LOG}/00000000000000000000.log`
  const TERM_AT = 12

  /** A voter that is down, with entries of the terms 1 to 3, of which the last one is said to be of another. */
  function changedTerm(term: number): { readonly quorum: MetadataQuorum; readonly voter: MetadataNode } {
    const quorum = new MetadataQuorum(1)
    const voter = quorum.add(1)
    for (let starts = 0; starts < 3; starts++) {
      voter.start()
      const { endOffset } = voter.raft.raft.core
      quorum.until(() => voter.isLeader && voter.image.offset > endOffset, 'a leader')
      voter.crash('kill')
    }
    const { clock } = quorum
    const content = clock.wait<Buffer | undefined>((done) => voter.disk.readFile(LOG_FILE, done)) as Buffer
    let last = 0
    while (last + (peekBatchSize(content, last) as number) < content.length) last += peekBatchSize(content, last) as number
    expect(content.readInt32BE(last + TERM_AT)).toBe(3)
    content.writeInt32BE(term, last + TERM_AT)
    const file = clock.wait<DiskFile | undefined>((done) => voter.disk.open(LOG_FILE, { create: false }, done)) as DiskFile
    clock.waitVoid((done) => file.writev([content], 0, done))
    clock.waitVoid((done) => file.sync(done))
    return { quorum, voter }
  }

  it('another one is damage: no checksum covers it, and with a greater term a log would seem to have most', () => {
    const { voter } = changedTerm(2)
    voter.start()
    expect(voter.folder.metadata.opened.recovery).toMatchObject({ verdict: 'damaged', detail: expect.stringContaining('noted to be of 3') })
    expect(voter.folder.damagedBelow).toBe(3)
  })

  it('the same one is none', () => {
    const { quorum, voter } = changedTerm(3)
    voter.start()
    expect(voter.folder.damagedBelow).toBeNull()
    quorum.until(() => voter.isLeader, 'a leader again')
  })
})
