import type { Key } from '../../operations/operation.ts'
import type { Call } from './calls.ts'
import type { Facts } from './facts.ts'
import { NumberList } from './number-list.ts'
import type { Graph } from './strongly-connected.ts'

/** `ww`: wrote the version before. `wr`: wrote what the other polled. `process`: the same process did it next. `realtime`: was over before the other began. */
export type EdgeKind = 'ww' | 'wr' | 'process' | 'realtime'
const kinds: readonly EdgeKind[] = ['ww', 'wr', 'process', 'realtime']

/**
 * The calls that happened (ok, or unknown and seen), and what must have come before what. Real time goes over moments: each ok completion is
 * one, leads to the next, and to what is invoked then, so that there are as many edges as calls and not as many as pairs.
 */
export class DependencyGraph {
  /** Of each call, by its place; -1: it is none. */
  readonly #nodes: Int32Array
  readonly #calls: Call[] = []
  readonly #from = new NumberList(Int32Array)
  readonly #to = new NumberList(Int32Array)
  readonly #kind = new NumberList(Int32Array)
  #moments = 0

  constructor(facts: Facts) {
    this.#nodes = new Int32Array(facts.calls.length).fill(-1)
    for (const call of facts.calls) {
      if ((call.sends.length === 0 && call.reads.length === 0) || !facts.mustHaveCommitted(call)) continue
      this.#nodes[call.at] = this.#calls.length
      this.#calls.push(call)
    }
    for (const log of facts.logs) this.#linkVersions(facts, log.key)
    this.#linkProcesses()
    this.#linkMoments()
  }

  /** Undefined for a moment of real time. */
  callOf(node: number): Call | undefined {
    return this.#calls[node]
  }

  /** The graph of some kinds of edges alone. */
  only(wanted: readonly EdgeKind[]): Graph {
    const isWanted = kinds.map((kind) => wanted.includes(kind))
    const nodeCount = this.#calls.length + this.#moments
    const starts = new Int32Array(nodeCount + 1)
    for (let edge = 0; edge < this.#from.length; edge++) {
      const after = this.#from.at(edge) + 1
      if (isWanted[this.#kind.at(edge)] === true) starts[after] = (starts[after] as number) + 1
    }
    for (let node = 0; node < nodeCount; node++) starts[node + 1] = (starts[node + 1] as number) + (starts[node] as number)
    const targets = new Int32Array(starts[nodeCount] as number)
    const filled = starts.slice()
    for (let edge = 0; edge < this.#from.length; edge++) {
      if (isWanted[this.#kind.at(edge)] !== true) continue
      const from = this.#from.at(edge)
      const at = filled[from] as number
      targets[at] = this.#to.at(edge)
      filled[from] = at + 1
    }
    return { starts, targets }
  }

  #linkVersions(facts: Facts, key: Key): void {
    const log = facts.log(key)
    let before: Call | undefined
    for (let index = 0; index < log.offsets.length; index++) {
      const value = log.valueAt(index)
      const writer = log.writerOf(value)
      // A value that is there twice is a duplicate, not a cycle: it counts where it is first.
      if (log.firstIndexOf(value) !== index) continue
      // What nobody saw for sure is no node: those around it follow each other.
      if (writer === undefined || this.#nodes[writer.at] === -1) continue
      this.#link(before, writer, 'ww')
      before = writer
    }
    for (const value of log.values()) for (const reader of log.readersOf(value)) this.#link(log.writerOf(value), reader, 'wr')
  }

  #linkProcesses(): void {
    const last = new Map<number, Call>()
    for (const call of this.#calls) {
      this.#link(last.get(call.process), call, 'process')
      last.set(call.process, call)
    }
  }

  #linkMoments(): void {
    const completions = this.#calls.filter(({ outcome }) => outcome === 'ok').sort((left, right) => left.completedAt - right.completedAt)
    for (const call of this.#calls) {
      for (let next = completions[this.#moments]; next !== undefined && next.completedAt < call.invokedAt; next = completions[this.#moments]) {
        const moment = this.#calls.length + this.#moments++
        this.#add(this.#nodes[next.at] as number, moment, 'realtime')
        if (this.#moments > 1) this.#add(moment - 1, moment, 'realtime')
      }
      if (this.#moments > 0) this.#add(this.#calls.length + this.#moments - 1, this.#nodes[call.at] as number, 'realtime')
    }
  }

  #link(from: Call | undefined, to: Call | undefined, kind: EdgeKind): void {
    const fromNode = from === undefined ? -1 : (this.#nodes[from.at] as number)
    const toNode = to === undefined ? -1 : (this.#nodes[to.at] as number)
    if (fromNode !== -1 && toNode !== -1 && fromNode !== toNode) this.#add(fromNode, toNode, kind)
  }

  #add(from: number, to: number, kind: EdgeKind): void {
    this.#from.push(from)
    this.#to.push(to)
    this.#kind.push(kinds.indexOf(kind))
  }
}
