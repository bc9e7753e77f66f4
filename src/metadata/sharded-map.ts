/** Keys a shard, on average and at most: then there are twice as many shards. */
const SHARD_KEYS = 256

/**
 * An immutable map of strings that makes a changed one cheaply: the keys lie in shards by their hash, and only the shards that change are copied, the others
 * are shared. A change in 100,000 keys copies 512 references and the 200 keys of one shard; every time that they have doubled, all of them. Few keys are one
 * shard, a plain map. The order is that of the shards, and within one of insertion: not the same on every node.
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
    return new ShardedMap<Value>([new Map()], 0).with(entries)
  }

  /** One that differs from this in `changes` alone; undefined: without that key. */
  with(changes: ReadonlyMap<string, Value | undefined>): ShardedMap<Value> {
    if (changes.size === 0) return this
    const shards = [...this.#shards]
    const shardOf = (key: string): number => hashOf(key) & (shards.length - 1)
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
    return size > shards.length * SHARD_KEYS ? ShardedMap.#spread(shards, size) : new ShardedMap(shards, size)
  }

  /** Over as many shards as it takes: a power of two. */
  static #spread<Value>(full: readonly ReadonlyMap<string, Value>[], size: number): ShardedMap<Value> {
    let count = full.length
    while (size > count * SHARD_KEYS) count *= 2
    const shards = Array.from({ length: count }, () => new Map<string, Value>())
    for (const shard of full) for (const [key, value] of shard) shards[hashOf(key) & (count - 1)]?.set(key, value)
    return new ShardedMap(shards, size)
  }

  get(key: string): Value | undefined {
    return this.#shardOf(key)?.get(key)
  }

  has(key: string): boolean {
    return this.#shardOf(key)?.has(key) === true
  }

  #shardOf(key: string): ReadonlyMap<string, Value> | undefined {
    return this.#shards[hashOf(key) & (this.#shards.length - 1)]
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
function hashOf(key: string): number {
  let hash = 0
  for (let at = 0; at < key.length; at++) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0
  return hash ^ (hash >>> 16)
}
