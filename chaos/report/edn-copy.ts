import { HistoryWriter, readHistory } from '../operations/history-file.ts'

/**
 * Writes a history anew as Jepsen reads it, in Clojure's notation and without the copies of single nodes, which it does not know. A file that is there
 * is not overwritten (EEXIST).
 */
export async function writeEdnCopy(history: string, path: string): Promise<void> {
  const edn = new HistoryWriter(path)
  try {
    for await (const { index: _, ...operation } of readHistory(history)) if (operation.node === undefined) edn.add(operation)
  } finally {
    edn.close()
  }
}
