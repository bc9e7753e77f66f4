const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** `76.6 GiB`; '-' where it is not known. */
export function byteSize(bytes: number): string {
  if (bytes < 0) return '-'
  const at = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${(bytes / 1024 ** at).toFixed(at === 0 ? 0 : 1)} ${UNITS[at]}`
}
