/** One way to make bytes smaller. Synchronous; neither call keeps what it is given. */
export interface Codec {
  compress(bytes: Buffer): Buffer
  /** Throws CORRUPT_MESSAGE when `bytes` are not what a compressor wrote, or hold more than `maxBytes`: no more than that is ever allocated. */
  decompress(bytes: Buffer, maxBytes: number): Buffer
}
