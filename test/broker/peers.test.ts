import { describe, expect, it } from 'vitest'
import { Peers } from '../../src/broker/peers.ts'
import type { NodeOptions } from '../../src/broker/surface.ts'
import { applyEntries } from '../../src/metadata/apply.ts'
import { emptyImage } from '../../src/metadata/image.ts'
import type { MetadataRecord } from '../../src/metadata/records.ts'
import type { Transport } from '../../src/runtime/transport.ts'
import type { Hello } from '../../src/wire/peer.ts'
import { World } from '../log/world.ts'
import { register, topicId } from '../metadata/fixtures.ts'

const hello = (nodeId: number, changes: Partial<Hello> = {}): Hello => ({
  clusterId: null,
  nodeId,
  directoryId: topicId(nodeId),
  incarnationId: topicId(100 + nodeId),
  protocolVersion: 1,
  endpoint: { host: `h${nodeId}`, grpcPort: 1 },
  isController: true,
  ...changes,
})

function make() {
  const { clock } = new World()
  const dialled: string[] = []
  const transport = {
    setPeer: (nodeId: number, to: { readonly host: string; readonly port: number }) => dialled.push(`${nodeId} ${to.host}:${to.port}`),
  } as unknown as Transport
  const options = { nodeId: 1, peers: [{ nodeId: 2, host: 'file', grpcPort: 2 }] } as unknown as NodeOptions
  const peers = new Peers(options, { transport, clock })
  /** After the turn in which it was asked. */
  const told = (): string[] => {
    let isOver = false
    clock.after(1, () => {
      isOver = true
    })
    while (!isOver) clock.step()
    return dialled.splice(0)
  }
  const apply = (...records: readonly MetadataRecord[]): void => {
    const { image, delta } = applyEntries(emptyImage, [
      { offset: 0, records: [{ type: 'cluster', clusterId: topicId(7), voters: [{ nodeId: 1, directoryId: null, endpoint: null }] }] },
      { offset: 1, records },
    ])
    peers.applied(image, delta)
  }
  return { peers, told, apply }
}

describe('the peers of a node', () => {
  it('are dialled where the cluster file says, whatever their Hello or the metadata say', () => {
    const { peers, told, apply } = make()
    peers.dialAll()
    expect(told()).toEqual(['2 file:2'])
    peers.met(hello(2))
    apply(register(2), register(1))
    expect(told()).toEqual([])
  })

  it('that came later are dialled where their Hello says, or the metadata: as brokers, and as voters', () => {
    const { peers, told, apply } = make()
    peers.met(hello(4))
    expect(told()).toEqual(['4 h4:1'])
    apply(register(5), { type: 'voters', voters: [{ nodeId: 6, directoryId: topicId(6), endpoint: { host: 'h6', grpcPort: 6 } }] })
    expect(told()).toEqual([expect.stringMatching(/^5 /), '6 h6:6'])
  })

  it('are described as voters to be while they are connected', () => {
    const { peers } = make()
    peers.met(hello(4))
    expect(peers.describe(4)).toBeUndefined()
    expect(peers.folderOf(4)).toBe(topicId(4))
    peers.up(hello(4))
    peers.up(hello(2, { endpoint: null, isController: false }))
    expect(peers.describe(4)).toEqual({ nodeId: 4, directoryId: topicId(4), endpoint: { host: 'h4', grpcPort: 1 }, isController: true })
    expect(peers.describe(2)).toMatchObject({ endpoint: { host: 'file', grpcPort: 2 }, isController: false })
    peers.down(4, 'closed')
    expect([peers.describe(4), peers.isConnected(4), peers.gone.has(4)]).toEqual([undefined, false, false])
  })

  it('are gone by evidence until they are back', () => {
    const { peers } = make()
    peers.up(hello(4))
    peers.down(4, 'refused')
    expect(peers.gone.has(4)).toBe(true)
    peers.up(hello(4))
    expect(peers.gone.has(4)).toBe(false)
  })
})
