/** What comes over the channel of a process may be anything. */
export function hasType(message: unknown, type: string): boolean {
  return typeof message === 'object' && message !== null && (message as { readonly type?: unknown }).type === type
}
