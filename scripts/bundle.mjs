import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))
const { writeCodeCache } = createRequire(import.meta.url)('../bin/v8.cjs')

/** `…/node_modules/@grpc/grpc-js` of a module within. */
const PACKAGE_FOLDER = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/

/** @param {string} folder */
function licenseOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file))
  return [`${name} ${version} (${license})`, ...texts.map((file) => readFileSync(join(folder, file), 'utf8').trim())].join('\n\n')
}

/** What is copied into the bundle keeps its licence beside it. */
const licenses = {
  name: 'licenses',
  /** @this {import('rolldown').PluginContext} @param {unknown} _options @param {import('rolldown').OutputBundle} bundle */
  generateBundle(_options, bundle) {
    const modules = Object.values(bundle).flatMap((output) => (output.type === 'chunk' ? output.moduleIds : []))
    const folders = new Set(modules.map((id) => PACKAGE_FOLDER.exec(id.replaceAll('\\', '/'))?.[0] ?? ''))
    const known = [...folders].filter((folder) => folder !== '' && existsSync(join(folder, 'package.json'))).sort()
    this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY-LICENSES.txt', source: known.map(licenseOf).join(`\n\n${'-'.repeat(80)}\n\n`) })
  },
}

// The command in a few files. It loads some 500 modules, most of them of libraries, and to find and load them one by one is most of what it
// costs to start a node. It lies as deep below the root as the source of the same module, so that relative paths stay what they are.
const bundle = await rolldown({
  cwd: root,
  input: 'dist/src/cli/main.js',
  platform: 'node',
  // Native code and .proto files are found beside their package; the simulator loads further files by their names.
  external: [
    '@grpc/proto-loader',
    '@grpc/reflection',
    'grpc-health-check',
    'classic-level',
    '@node-rs/crc32',
    'snappy',
    'lz4-napi',
    '@bokuweb/zstd-wasm',
    /chaos\/sim\/(?:main|run-file)\.js$/,
  ],
  plugins: [licenses],
})
// CommonJS: to start the loader of ES modules costs a third of what `oxbow --version` does beyond Node itself.
const { output } = await bundle.write({
  dir: 'dist/bundle/cli',
  format: 'cjs',
  dynamicImportInCjs: false,
  cleanDir: true,
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name]-[hash].cjs',
})
await bundle.close()
for (const { type, fileName } of output) if (type === 'chunk') writeCodeCache(join(root, 'dist/bundle/cli', fileName))
