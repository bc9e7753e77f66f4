#!/usr/bin/env node
'use strict'
// Plain CommonJS, so that even an old Node reads it and is told what is wrong.

const { existsSync } = require('node:fs')
const { join } = require('node:path')

const MIN_NODE = [20, 19]

function fail(line) {
  process.stderr.write(`${line}\n`)
  process.exit(2)
}

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1])) {
  fail(`error: NODE_TOO_OLD: this is Node ${process.versions.node}, Oxbow needs ${MIN_NODE.join('.')} or newer (install it from https://nodejs.org)`)
}

const main = join(__dirname, '..', 'dist', 'bundle', 'cli', 'main.cjs')
if (!existsSync(main)) fail('error: NOT_BUILT: Oxbow is not built yet (run: npm ci && npm run build)')

// Every file call takes one of these threads; it must be set before the first of them starts.
if (process.env.UV_THREADPOOL_SIZE === undefined) process.env.UV_THREADPOOL_SIZE = '16'

require('./v8.cjs').useCodeCache()

let cli
try {
  cli = require(main)
} catch (error) {
  fail(`error: NOT_BUILT: ${error.message} (run: npm ci && npm run build)`)
}
cli.runCli()
