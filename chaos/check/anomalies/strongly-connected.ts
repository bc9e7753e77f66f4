/** The targets of node n are `targets[starts[n]]` to `targets[starts[n + 1] - 1]`. */
export interface Graph {
  readonly starts: Int32Array
  readonly targets: Int32Array
}

/** Sets of two nodes or more in which each is reachable from each: where cycles are. Source: Tarjan 1972, with a stack of its own instead of recursion. */
export function stronglyConnected({ starts, targets }: Graph): number[][] {
  const nodeCount = starts.length - 1
  const found: number[][] = []
  /** 0: not met yet. */
  const order = new Int32Array(nodeCount)
  const low = new Int32Array(nodeCount)
  const isOpen = new Uint8Array(nodeCount)
  const next = starts.slice(0, nodeCount)
  const open: number[] = []
  const path: number[] = []
  let met = 0
  const enter = (node: number): void => {
    low[node] = order[node] = ++met
    isOpen[node] = 1
    open.push(node)
    path.push(node)
  }
  const leave = (node: number): void => {
    path.pop()
    const parent = path.at(-1)
    if (parent !== undefined) low[parent] = Math.min(low[parent] as number, low[node] as number)
    if (low[node] !== order[node]) return
    const members = open.splice(open.lastIndexOf(node))
    for (const member of members) isOpen[member] = 0
    if (members.length > 1) found.push(members)
  }
  for (let root = 0; root < nodeCount; root++) {
    if (order[root] === 0) enter(root)
    for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
      const edge = next[node] as number
      if (edge === starts[node + 1]) {
        leave(node)
        continue
      }
      next[node] = edge + 1
      const target = targets[edge] as number
      if (order[target] === 0) enter(target)
      else if (isOpen[target] === 1) low[node] = Math.min(low[node] as number, order[target] as number)
    }
  }
  return found
}

/** A shortest way from the first of `members` back to it, within them: its nodes, each once. */
export function cycleWithin({ starts, targets }: Graph, members: readonly number[]): number[] {
  const inside = new Set(members)
  const first = members[0] as number
  const cameFrom = new Map<number, number>()
  const queue = [first]
  for (const node of queue) {
    for (let edge = starts[node] as number; edge < (starts[node + 1] as number); edge++) {
      const target = targets[edge] as number
      if (target === first) {
        const way = [node]
        for (let at = node; at !== first; ) way.push((at = cameFrom.get(at) as number))
        return way.reverse()
      }
      if (!inside.has(target) || cameFrom.has(target)) continue
      cameFrom.set(target, node)
      queue.push(target)
    }
  }
  return []
}
