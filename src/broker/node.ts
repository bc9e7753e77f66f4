import type { Done } from '../base/done.ts'
import { BrokerError } from '../base/errors.ts'
import { randomUuid } from '../base/ids.ts'
import { type Task, callVoid, runTask } from '../base/task.ts'
import { OxbowNode } from './oxbow-node.ts'
import type { FolderEvents } from './folders-open.ts'
import { openFolder } from './node-open.ts'
import type { NodeOptions, NodeSeams } from './surface.ts'

/**
 * Starts a node on its seams: recovers its folder and every log in it, then meets its peers. `done` comes when it is up (it may still
 * look for a leader). Errors: DATA_FOLDER_MISMATCH, DATA_FOLDER_IN_USE, DISK_FAILED.
 */
export function startNode(options: NodeOptions, seams: NodeSeams, done: Done<OxbowNode>): void {
  runTask(start(options, seams), done)
}

function* start(options: NodeOptions, seams: NodeSeams): Task<OxbowNode> {
  if (!options.roles.broker && !options.roles.controller)
    throw new BrokerError('INVALID_CONFIG', `node ${options.nodeId} has no role: controller, broker or both`)
  // The folder reports to the node, and the node is made of what the folder holds.
  let node: OxbowNode | undefined
  const events: FolderEvents = {
    synced: (log, endOffset, cutCount) => node?.logSynced(log, endOffset, cutCount),
    failed: (log, error) => {
      if (node === undefined) seams.fatal(error)
      else node.logFailed(log, error)
    },
    folderFailed: (folder, error) => node?.folderFailed(folder, error),
  }
  const folder = yield* openFolder(options, seams, events)
  node = new OxbowNode(options, seams, folder, randomUuid(seams.random.fork('incarnation id')))
  const opened = node
  yield* callVoid((done) => opened.openReplicas(done))
  opened.begin(folder.metadata.loaded)
  return opened
}
