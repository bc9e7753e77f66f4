/** Few enough to be copied without a thought, many enough to leave each with few keys of a large cluster. */
const SHARDS = 512

/**
 * An immutable map of strings that makes a changed one cheaply: the keys lie in shards by their hash, and only the shards that change are copied, the others
 * are shared. A change in 100,000 keys copies 512 references and the 200 keys of one shard. The order is that of the shards, and within one of insertion.
 */
export class ShardedMap<Value> implements ReadonlyMap<string, Value> {
  readonly #shards: readonly ReadonlyMap<string, Value>[]
  readonly size: number

  private constructor(shards: readonly ReadonlyMap<string, Value>[], size: number) {
    this.#shards = shards
    this.size = size
  }

  /** The same entries; the map itself when it is a sharded one. */
  static from<Value>(entries: ReadonlyMap<string, Value>): ShardedMap<Value> {
    if (entries instanceof ShardedMap) return entries
    return new ShardedMap<Value>(new Array<ReadonlyMap<string, Value>>(SHARDS).fill(new Map()), 0).with(entries)
  }

  /** One that differs from this in `changes` alone; undefined: without that key. */
  with(changes: ReadonlyMap<string, Value | undefined>): ShardedMap<Value> {
    if (changes.size === 0) return this
    const shards = [...this.#shards]
    const own = new Map<number, Map<string, Value>>()
    let { size } = this
    for (const [key, value] of changes) {
      const at = shardOf(key)
      let shard = own.get(at)
      if (shard === undefined) {
        shard = new Map(shards[at])
        own.set(at, shard)
        shards[at] = shard
      }
      size -= shard.size
      if (value === undefined) shard.delete(key)
      else shard.set(key, value)
      size += shard.size
    }
    return new ShardedMap(shards, size)
  }

  get(key: string): Value | undefined {
    return this.#shards[shardOf(key)]?.get(key)
  }

  has(key: string): boolean {
    return this.#shards[shardOf(key)]?.has(key) === true
  }

  forEach(visit: (value: Value, key: string, map: ReadonlyMap<string, Value>) => void): void {
    for (const [key, value] of this) visit(value, key, this)
  }

  *entries(): Generator<[string, Value], undefined> {
    for (const shard of this.#shards) yield* shard
  }

  *keys(): Generator<string, undefined> {
    for (const shard of this.#shards) yield* shard.keys()
  }

  *values(): Generator<Value, undefined> {
    for (const shard of this.#shards) yield* shard.values()
  }

  [Symbol.iterator](): Generator<[string, Value], undefined> {
    return this.entries()
  }
}

/** As java.lang.String.hashCode, the higher bits mixed in. */
function shardOf(key: string): number {
  let hash = 0
  for (let at = 0; at < key.length; at++) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0
  return (hash ^ (hash >>> 16)) & (SHARDS - 1)
}
