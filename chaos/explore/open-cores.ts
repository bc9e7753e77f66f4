/**
 * A state can be forked only when it can be read, and what a core holds is in #private fields. So the cores are explored in a copy in which each
 * `#name` is a plain `_name`: the same text otherwise, so that nothing has to be written in the cores for this, and no field that is added to one of
 * them later can be forgotten by a hash or a copy.
 */
const PRIVATE_NAME = /#([A-Za-z]\w*)/g

/** The rooms whose machines are explored, and what they stand on. */
const OPENED = /(?:^|\/)src\/(?:raft|replication|controller|metadata|base|record)\/[\w-]+\.[jt]s$/

/** Whether the file at `path`, with forward slashes, is opened. */
export function isOpened(path: string): boolean {
  return OPENED.test(path)
}

export function openPrivateNames(code: string): string {
  return code.replace(PRIVATE_NAME, '_$1')
}
