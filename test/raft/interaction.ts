import { assert } from '../../src/base/assert.ts'
import { describeEntries, describeMessage, describeSnapshot } from './describe.ts'
import { type Packet, World } from './world.ts'

const COMMAND = '> '
const OUTPUT = '  '

/**
 * Runs a transcript: lines that begin with `> ` are commands, indented lines below are what they printed, the rest is the story's prose.
 * Returns the same text with the output that the commands print now. In the spirit of etcd's rafttest.
 *
 *   voters 1 2 3 | nodes 3 [observers 1] | node 1 term 6 log 1 1 4 [damaged 9]   who there is
 *   up all | up 1 2 | peer-down 1 refused [3] | crash 1 | restart 1 | wipe 1           processes and streams (1 learns that 2 is up)
 *   tick 1 30 | tick all 2 | timer 1                                             time
 *   deliver [1->2] | drop 1->2 [1] | duplicate 1->2 | cut 1->2 | mend 1->2 | hold 1->2 | free 1->2 | heal
 *                                                                             the network (drop: the oldest; free: no more is held; heal: no cuts, and what was held arrives)
 *   persist 1 [2 | vote]                                                        the disk of 1: all, its 2 oldest operations, its vote file alone
 *   propose 1 x y | fill 1 300 64 | reads 1 held | read 1 [2]   entries (fill: 300 proposals of 64 bytes; read: at most 2 entries)
 *   snapshot 1 | spoil 1                             what 1 has applied, to its disk; the bytes that came to 1 are others now
 *   add-voter 1 4 | remove-voter 1 2 | fill-voter 1 3 | transfer 1 [2] | read-index 1   asked of 1 (transfer: to whom)
 *   elect 1 | stabilize [1 2]                                                   until nothing moves, among these alone
 *   status | log | disk 1 | network | progress 1                                 what is to be seen
 *   quiet COMMAND                                                              without the output
 */
export function replay(text: string): string {
  const interaction = new Interaction()
  const lines: string[] = []
  for (const line of text.trimEnd().split('\n')) {
    if (line.startsWith(OUTPUT)) continue
    lines.push(line)
    if (line.startsWith(COMMAND)) lines.push(...interaction.run(line.slice(COMMAND.length)).map((output) => `${OUTPUT}${output}`))
  }
  return `${lines.join('\n')}\n`
}

class Interaction {
  #world: World | null = null
  #firstVoterIds: number[] = []
  #lines: string[] = []
  readonly #heldLinks = new Set<string>()
  #held: Packet[] = []

  run(command: string): readonly string[] {
    this.#lines = []
    const words = command.split(/\s+/)
    const isQuiet = words[0] === 'quiet'
    this.#perform(words[isQuiet ? 1 : 0] ?? '', words.slice(isQuiet ? 2 : 1))
    if (isQuiet) return []
    return this.#lines.length === 0 ? ['nothing'] : this.#lines
  }

  #perform(name: string, words: readonly string[]): void {
    const command = this.#commands[name]
    assert(command !== undefined, `"${name}" is a command`)
    command(words)
  }

  get #nodes(): World {
    this.#world ??= new World({ seed: 1, firstVoterIds: this.#firstVoterIds, tell: (line) => this.#lines.push(line) })
    return this.#world
  }

  readonly #commands: Readonly<Record<string, (words: readonly string[]) => void>> = {
    voters: (words) => {
      this.#firstVoterIds = words.map(Number)
      this.#lines.push(`first voters: ${words.join(' ')}`)
    },
    nodes: ([voters, , observers]) => {
      const [voterCount, observerCount] = [Number(voters), Number(observers ?? 0)]
      this.#firstVoterIds = Array.from({ length: voterCount }, (_, at) => at + 1)
      for (let id = 1; id <= voterCount + observerCount; id++) this.#nodes.addNode(id, { canVote: id <= voterCount })
      this.#lines.push(`${voterCount} voters, ${observerCount} observers`)
    },
    node: (words) => this.#addNode(words),
    up: (words) => this.#up(words),
    'peer-down': ([id, reason, ...who]) => {
      for (const other of who.length === 0 ? this.#live() : who.map(Number)) {
        if (other !== Number(id)) this.#nodes.feed(other, { type: 'peerDown', nodeId: Number(id), reason: reason === 'refused' ? 'refused' : 'closed' })
      }
    },
    crash: ([id]) => {
      this.#nodes.crash(Number(id))
      this.#lines.push(`${id} is dead`)
    },
    restart: ([id]) => {
      this.#nodes.start(Number(id))
      this.#lines.push(`${id} is back`)
      for (const other of this.#live()) {
        if (other === Number(id)) continue
        this.#nodes.peerUp(other, Number(id))
        this.#nodes.peerUp(Number(id), other)
      }
    },
    wipe: ([id]) => {
      this.#nodes.wipe(Number(id))
      this.#lines.push(`the disk of ${id} is a new one: ${this.#nodes.node(Number(id)).directoryId}`)
    },
    tick: ([who, count]) => {
      for (let tick = 0; tick < Number(count ?? 1); tick++) {
        for (const id of who === 'all' ? this.#live() : [Number(who)]) this.#nodes.feed(id, { type: 'tick' })
      }
    },
    timer: ([id]) => {
      const { timer } = this.#nodes.node(Number(id))
      assert(timer !== null, `a timer of ${id} runs`)
      this.#nodes.feed(Number(id), { type: 'timer', timerId: timer.timerId })
    },
    deliver: ([link]) => this.#deliver(link),
    drop: ([link, count]) => {
      const lost = this.#nodes.packets.filter((packet) => isOn(packet, link)).slice(0, Number(count ?? Number.MAX_SAFE_INTEGER))
      this.#nodes.packets = this.#nodes.packets.filter((packet) => !lost.includes(packet))
      for (const packet of lost) this.#lines.push(`lost: ${describePacket(packet)}`)
    },
    duplicate: ([link]) => {
      this.#nodes.packets.push(...this.#nodes.packets.filter((packet) => isOn(packet, link)))
      this.#show(this.#nodes.packets)
    },
    cut: (links) => {
      for (const link of links) this.#nodes.cuts.add(link)
      this.#lines.push(`cut: ${[...this.#nodes.cuts].join(' ')}`)
    },
    mend: (links) => {
      for (const link of links) this.#nodes.cuts.delete(link)
      this.#lines.push(`cut: ${[...this.#nodes.cuts].join(' ') || 'nothing more'}`)
    },
    hold: (links) => {
      for (const link of links) this.#heldLinks.add(link)
      this.#lines.push(`held: ${[...this.#heldLinks].join(' ')}`)
    },
    free: (links) => {
      for (const link of links) this.#heldLinks.delete(link)
      this.#lines.push(`held: ${[...this.#heldLinks].join(' ') || 'nothing more'}`)
    },
    heal: () => {
      this.#nodes.cuts.clear()
      this.#heldLinks.clear()
      this.#nodes.packets.unshift(...this.#held.splice(0))
      this.#lines.push('all links work')
    },
    persist: ([id, what]) => {
      const file = what === 'vote' ? 'vote' : 'any'
      let left = what === undefined || file === 'vote' ? Number.MAX_SAFE_INTEGER : Number(what)
      while (left > 0 && this.#nodes.persist(Number(id), file)) left--
    },
    propose: ([id, ...texts]) => this.#nodes.propose(Number(id), texts),
    fill: ([id, count, sizeBytes]) => {
      const text = 'x'.repeat(Number(sizeBytes))
      for (let left = Number(count); left > 0; left--) this.#nodes.propose(Number(id), [text])
    },
    reads: ([id, how]) => {
      this.#nodes.node(Number(id)).holdsReads = how === 'held'
      this.#lines.push(`reads of ${id} are ${how}`)
    },
    read: ([id, maxEntries]) => this.#nodes.read(Number(id), Number(maxEntries ?? Number.MAX_SAFE_INTEGER)),
    snapshot: ([id]) => this.#nodes.takeSnapshot(Number(id)),
    spoil: ([id]) => {
      const { incoming } = this.#nodes.node(Number(id)).disk
      incoming.fill('?', 0, 1)
      this.#lines.push(`what came to ${id} is spoiled`)
    },
    'add-voter': ([id, ...who]) => this.#nodes.proposeVoters(Number(id), { add: who.map(Number) }),
    'fill-voter': ([id, ...who]) => this.#nodes.proposeVoters(Number(id), { fill: who.map(Number) }),
    'remove-voter': ([id, ...who]) => this.#nodes.proposeVoters(Number(id), { remove: who.map(Number) }),
    transfer: ([id, to]) => this.#nodes.feed(Number(id), { type: 'transfer', to: to === undefined ? null : Number(to) }),
    'read-index': ([id]) => this.#nodes.readIndex(Number(id)),
    elect: ([id]) => this.#elect(Number(id)),
    stabilize: (words) => this.#stabilize(words.length === 0 ? this.#live() : words.map(Number)),
    status: () => this.#status(),
    log: () => {
      for (const { nodeId, memory, startOffset } of this.#nodes.nodes.values()) {
        const start = startOffset > 0 ? `from ${startOffset} ` : ''
        this.#lines.push(`${nodeId} log   ${start}${describeEntries(memory.slice(startOffset))}`)
      }
    },
    disk: ([id]) => {
      const { disk } = this.#nodes.node(Number(id))
      const start = disk.startOffset > 0 ? ` from ${disk.startOffset}` : ''
      const entries = describeEntries(disk.entries.slice(disk.startOffset))
      this.#lines.push(`${id} disk  term ${disk.term}, vote ${disk.votedFor ?? 'none'}, log${start} ${entries}`)
      for (const snapshot of disk.snapshots) this.#lines.push(`${id} disk  snapshot ${describeSnapshot(snapshot)}: ${describeEntries(snapshot.entries)}`)
    },
    network: () => this.#show(this.#nodes.packets),
    progress: ([id]) => {
      for (const peer of this.#nodes.node(Number(id)).raft?.progress() ?? []) {
        const counts = peer.voter ? 'voter' : 'does not vote'
        this.#lines.push(
          `${peer.nodeId} ${peer.directoryId ?? 'folder unknown'}, ${counts}: persisted ${peer.persistedEndOffset}, lagging ${peer.laggingTicks} ticks`,
        )
      }
    },
  }

  #live(): number[] {
    return [...this.#nodes.nodes.values()].filter((node) => node.raft !== null).map((node) => node.nodeId)
  }

  #addNode(words: readonly string[]): void {
    const [id, , term] = words
    const damagedAt = words.indexOf('damaged')
    const terms = words.slice(4, damagedAt < 0 ? undefined : damagedAt).map(Number)
    const voters = `voters,${this.#firstVoterIds.map((voter) => `${voter}=d${voter}`).join(',')}`
    const entries = terms.map((entryTerm, offset) => ({ term: entryTerm, bytes: Buffer.from(offset === 0 ? voters : `e${offset}`) }))
    this.#nodes.addNode(Number(id), { term: Number(term), entries, ...(damagedAt < 0 ? {} : { damagedBelow: Number(words[damagedAt + 1]) }) })
    this.#lines.push(`${id} log   ${describeEntries(entries)}`)
  }

  #up(words: readonly string[]): void {
    if (words[0] !== 'all') {
      this.#nodes.peerUp(Number(words[0]), Number(words[1]))
      return
    }
    for (const id of this.#live()) for (const peer of this.#live()) if (id !== peer) this.#nodes.peerUp(id, peer)
  }

  #sift(): void {
    this.#held.push(...this.#nodes.packets.filter((packet) => this.#heldLinks.has(linkOf(packet))))
    this.#nodes.packets = this.#nodes.packets.filter((packet) => !this.#heldLinks.has(linkOf(packet)))
  }

  #deliver(link: string | undefined): void {
    this.#sift()
    const arriving = this.#nodes.packets.filter((packet) => isOn(packet, link))
    this.#nodes.packets = this.#nodes.packets.filter((packet) => !isOn(packet, link))
    for (const packet of arriving) this.#nodes.deliver(packet)
  }

  #stabilize(ids: readonly number[]): void {
    for (let round = 0; round < 200; round++) {
      this.#sift()
      const arriving = this.#nodes.packets.filter((packet) => ids.includes(packet.to) && ids.includes(packet.from.nodeId))
      this.#nodes.packets = this.#nodes.packets.filter((packet) => !arriving.includes(packet))
      for (const packet of arriving) this.#nodes.deliver(packet)
      const disks = ids.filter((id) => this.#nodes.node(id).operations.length > 0)
      for (const id of disks) while (this.#nodes.persist(id));
      if (arriving.length === 0 && disks.length === 0) return
    }
    throw new Error('the nodes never come to rest')
  }

  /** Lets the node lose its patience, and the others their belief in an older leader first. */
  #elect(id: number): void {
    const others = this.#live().filter((other) => other !== id)
    for (const other of others)
      if (this.#nodes.node(other).raft?.leaderId !== null) for (let tick = 0; tick < 20; tick++) this.#nodes.feed(other, { type: 'tick' })
    for (let tick = 0; tick < 40 && this.#nodes.node(id).raft?.role !== 'preCandidate'; tick++) this.#nodes.feed(id, { type: 'tick' })
    this.#stabilize(this.#live())
    this.#lines = this.#lines.filter((line) => / is (leader|candidate|follower of)|opens term/.test(line))
  }

  #status(): void {
    for (const { nodeId, raft } of this.#nodes.nodes.values()) {
      if (raft === null) this.#lines.push(`${nodeId} is dead`)
      else {
        const leader = raft.isLeader ? '' : `, leader ${raft.leaderId ?? 'unknown'}`
        this.#lines.push(
          `${nodeId} is ${raft.role} in term ${raft.term}${leader}, log ${raft.endOffset}, persisted ${raft.persistedEndOffset}, commit ${raft.commitIndex}`,
        )
      }
    }
  }

  #show(packets: readonly Packet[]): void {
    for (const packet of packets) this.#lines.push(describePacket(packet))
  }
}

function linkOf(packet: Packet): string {
  return `${packet.from.nodeId}->${packet.to}`
}

function isOn(packet: Packet, link: string | undefined): boolean {
  return link === undefined || link === 'all' || link === linkOf(packet)
}

function describePacket(packet: Packet): string {
  return `${packet.from.nodeId} -> ${packet.to}  ${describeMessage(packet.message)}`
}
