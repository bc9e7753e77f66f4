import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { parseAst } from 'vite'

/** One import of a source file. `kind`: type-only imports count as edges too; lazy is `await import()`. */
export interface ImportEdge {
  readonly specifier: string
  readonly kind: 'value' | 'type' | 'lazy'
  readonly line: number
}

export interface ForbiddenName {
  readonly name: string
  readonly line: number
}

export interface SourceFacts {
  readonly imports: readonly ImportEdge[]
  /** Every use of a name that a pure room may not know, `async`, `await` and `Math.random` among them. */
  readonly impure: readonly ForbiddenName[]
  /** `let` or `var` at the top of the module: state that all nodes of one process would share. */
  readonly moduleState: readonly ForbiddenName[]
}

const IMPURE_GLOBALS = new Set([
  'Date',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'process',
  'Promise',
  'performance',
  'crypto',
  'require',
])

interface Node {
  readonly type: string
  readonly start: number
  readonly [key: string]: unknown
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}

function* children(node: Node): Generator<readonly [string, Node]> {
  for (const [key, value] of Object.entries(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) yield [key, item]
    } else if (isNode(value)) yield [key, value]
  }
}

function literal(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined
}

function importOf(node: Node): Omit<ImportEdge, 'line'> | undefined {
  const specifier = literal(node.source)
  if (specifier === undefined) return undefined
  switch (node.type) {
    case 'ImportDeclaration': {
      const specifiers = node.specifiers as readonly Node[]
      const typesOnly = node.importKind === 'type' || (specifiers.length > 0 && specifiers.every((one) => one.importKind === 'type'))
      return { specifier, kind: typesOnly ? 'type' : 'value' }
    }
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return { specifier, kind: node.exportKind === 'type' ? 'type' : 'value' }
    case 'TSImportType':
      return { specifier, kind: 'type' }
    case 'ImportExpression':
      return { specifier, kind: 'lazy' }
    default:
      return undefined
  }
}

function impurityOf(node: Node, parent: Node | undefined, key: string): string | undefined {
  if (node.async === true) return 'async'
  if (node.type === 'AwaitExpression' || (node.type === 'ForOfStatement' && node.await === true)) return 'await'
  if (node.type === 'ImportExpression') return 'import()'
  if (node.type !== 'Identifier') return undefined
  const name = String(node.name)
  const isKey = (key === 'property' || key === 'key') && parent?.computed !== true
  if (isKey) {
    const object = parent?.object
    return name === 'random' && isNode(object) && object.name === 'Math' ? 'Math.random' : undefined
  }
  return IMPURE_GLOBALS.has(name) ? name : undefined
}

/** Reads one TypeScript source with a real parser. Throws when it does not parse. */
export function readFacts(source: string): SourceFacts {
  const program = parseAst(source, { lang: 'ts' }) as unknown as Node
  const imports: ImportEdge[] = []
  const impure: ForbiddenName[] = []
  const lineOf = (at: number): number => source.slice(0, at).split('\n').length
  const visit = (node: Node, parent: Node | undefined, key: string): void => {
    const edge = importOf(node)
    if (edge !== undefined) imports.push({ ...edge, line: lineOf(node.start) })
    const name = impurityOf(node, parent, key)
    if (name !== undefined) impure.push({ name, line: lineOf(node.start) })
    for (const [childKey, child] of children(node)) visit(child, node, childKey)
  }
  visit(program, undefined, '')
  const moduleState: ForbiddenName[] = []
  for (const statement of program.body as readonly Node[]) {
    const declaration = statement.type === 'ExportNamedDeclaration' && isNode(statement.declaration) ? statement.declaration : statement
    if (declaration.type === 'VariableDeclaration' && declaration.kind !== 'const')
      moduleState.push({ name: String(declaration.kind), line: lineOf(declaration.start) })
  }
  return { imports, impure, moduleState }
}

export interface SourceFile {
  /** From the root of the project, with '/'. */
  readonly path: string
  readonly text: string
}

/** All TypeScript files of a folder, by path; generated ones are left out. */
export function readSources(root: string, folder: string): SourceFile[] {
  const names = readdirSync(posix.join(root, folder), { recursive: true, encoding: 'utf8' })
  return names
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
    .filter((path) => path.endsWith('.ts') && !path.startsWith('src/wire/gen/'))
    .sort()
    .map((path) => ({ path, text: readFileSync(posix.join(root, path), 'utf8') }))
}
