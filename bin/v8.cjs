'use strict'
// What V8 is told: by the build as by every run, for it refuses compiled code of other flags.
//
// To compile the bundle takes about a third of a short command's time, and V8 can keep what it compiled. From Node 22 on one call asks for
// that; for older ones the build puts what V8 made beside each file, and here it is read. V8 refuses what another version of it made: then
// the file is compiled as ever.

const { readFileSync, writeFileSync } = require('node:fs')
const nodeModule = require('node:module')
const { dirname } = require('node:path')
const { setFlagsFromString } = require('node:v8')
const { Script } = require('node:vm')

/** Only V8 of the same version and machine can use it. */
const SUFFIX = `.${process.version}-${process.arch}.v8`

// Batches live outside of V8's heap, but count for it: without this it marks the small heap again for every few of them, which took a
// quarter of a loaded node's CPU time.
setFlagsFromString('--heap-growing-percent=300')

/** Compiles each function, not only those that run at once, and keeps all of that beside the file. */
exports.writeCodeCache = (file) => {
  const source = readFileSync(file, 'utf8')
  setFlagsFromString('--no-lazy')
  const script = new Script(nodeModule.wrap(source), { filename: file })
  setFlagsFromString('--lazy')
  writeFileSync(`${file}${SUFFIX}`, script.createCachedData())
}

function readCodeCache(file) {
  try {
    return readFileSync(`${file}${SUFFIX}`)
  } catch {
    return undefined
  }
}

/** Whether it was taken. */
function runCached(module, file) {
  const cachedData = readCodeCache(file)
  if (cachedData === undefined) return false
  const script = new Script(nodeModule.wrap(readFileSync(file, 'utf8')), { filename: file, cachedData })
  if (script.cachedDataRejected) return false
  script.runInThisContext().call(module.exports, module.exports, nodeModule.createRequire(file), module, file, dirname(file))
  return true
}

/** From here on, files of the bundle are taken from the cache when they are loaded. */
exports.useCodeCache = () => {
  if (nodeModule.enableCompileCache !== undefined) nodeModule.enableCompileCache()
  else {
    const usual = nodeModule._extensions['.js']
    nodeModule._extensions['.cjs'] = (module, file) => {
      if (!runCached(module, file)) usual(module, file)
    }
  }
}
