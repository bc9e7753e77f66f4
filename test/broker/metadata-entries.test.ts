import { describe, expect, it } from 'vitest'
import { hashImage } from '../../src/metadata/hash.ts'
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
    expect(observer.failure?.message).toMatch(new RegExp(`appended at offset ${endOffset} cannot be read: .*run the version`))
  })
})
