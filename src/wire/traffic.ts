/** What one node has written to gRPC streams since it started; metrics and bench read it. */
export class Traffic {
  #messages = 0
  #bytes = 0

  get messages(): number {
    return this.#messages
  }

  get bytes(): number {
    return this.#bytes
  }

  count(message: { readonly byteLength: number }): void {
    this.#messages++
    this.#bytes += message.byteLength
  }
}
