import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { LiveCluster } from '../../../chaos/live/cluster-process.ts'

it('reads the log of a node that was killed in the midst of a line', async () => {
  const cluster = await LiveCluster.create('log', { nodes: 1 })
  try {
    writeFileSync(join(cluster.folder, 'logs', 'node-1.log'), '{"msg":"listening","term":1}\n{"msg":"unfen{"msg":"listening"}\nFatal: no JSON\n\n{"ms')
    expect(cluster.log(1)).toEqual([{ msg: 'listening', term: 1 }, { msg: '{"msg":"unfen{"msg":"listening"}' }, { msg: 'Fatal: no JSON' }, { msg: '{"ms' }])
  } finally {
    await cluster.dispose({ keep: false })
  }
})
