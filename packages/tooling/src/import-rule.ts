import { posix } from 'node:path'
import ts from 'typescript'
import type { Finding } from './finding.ts'

/** What the sources of a package may import beside its own files, and which packages of ours its tests may use. */
interface Direction {
  readonly sources: readonly (string | RegExp)[]
  /** Imports that leave nothing in the build. */
  readonly types?: readonly (string | RegExp)[]
  readonly tests: readonly string[]
}

/** The arrows of the house. They all point at core; sender and receiver do not know each other. */
const directions: Readonly<Record<string, Direction>> = {
  core: { sources: [], types: [/^node:/], tests: ['core'] },
  sender: { sources: ['@hooks/core', 'undici', 'p-retry', /^node:/], tests: ['core', 'sender'] },
  receiver: { sources: ['@hooks/core', '@hooks/core/formats'], types: [/^node:/], tests: ['core', 'receiver'] },
  express: {
    sources: [],
    types: ['@hooks/core', 'express', /^node:/],
    tests: ['core', 'sender', 'receiver', 'express'],
  },
  fastify: {
    sources: [],
    types: ['@hooks/core', 'fastify', /^node:/],
    tests: ['core', 'sender', 'receiver', 'express', 'fastify'],
  },
  nextjs: {
    sources: ['@hooks/core'],
    types: ['@hooks/core', 'next', /^node:/],
    tests: ['core', 'sender', 'receiver', 'nextjs'],
  },
  redis: { sources: ['@hooks/core'], types: [/^node:/], tests: ['core', 'receiver', 'redis'] },
  bullmq: {
    sources: ['@hooks/core', 'bullmq'],
    types: [/^node:/],
    tests: ['core', 'sender', 'sqlite', 'postgres', 'bullmq'],
  },
  nats: {
    sources: ['@hooks/core'],
    types: ['@nats-io/transport-node', /^node:/],
    tests: ['core', 'sender', 'postgres', 'nats'],
  },
  postgres: { sources: ['@hooks/core'], types: [/^node:/], tests: ['core', 'sender', 'receiver', 'postgres'] },
  portal: {
    sources: ['@hooks/core', '@hooks/sender', /^node:/],
    tests: ['core', 'sender', 'receiver', 'sqlite', 'express', 'fastify', 'nextjs', 'portal'],
  },
  cli: {
    sources: ['@hooks/core', '@hooks/receiver', /^node:/],
    tests: ['core', 'sender', 'receiver', 'sqlite', 'portal', 'cli'],
  },
  sqlite: { sources: ['@hooks/core'], types: [/^node:/], tests: ['core', 'sender', 'receiver', 'sqlite'] },
}

/** Everything that an import says against {@link directions}, and every circle between files. */
export const importFindings = (program: ts.Program, files: readonly string[]): Finding[] => {
  const findings: Finding[] = []
  const graph = new Map<string, string[]>()
  for (const file of files) {
    const source = program.getSourceFile(file)
    if (!source) continue
    const edges: string[] = []
    for (const { specifier, typeOnly, position } of importsOf(source)) {
      const { line } = source.getLineAndCharacterOfPosition(position)
      const message = verdict(file, specifier, typeOnly)
      if (message) findings.push({ file, line: line + 1, message: `'${specifier}': ${message}` })
      if (specifier.startsWith('.')) edges.push(posix.join(posix.dirname(file), specifier))
    }
    graph.set(file, edges)
  }
  for (const circle of circles(graph))
    findings.push({ file: circle[0] ?? '', line: 1, message: `a circle of imports: ${circle.join(' -> ')}` })
  return findings
}

const verdict = (file: string, specifier: string, typeOnly: boolean): string | undefined => {
  const [top, name = '', part] = file.split('/')
  const home = `${top}/${name}`
  if (specifier.startsWith('.')) {
    const target = posix.join(posix.dirname(file), specifier)
    if (!target.startsWith(`${home}/`)) return 'a file of another package; import the package by its name.'
    return part === 'src' && !target.startsWith(`${home}/src/`) ? 'sources import sources only.' : undefined
  }
  if (/^example-|^examples\//.test(specifier)) {
    return home === 'examples/demo' ? undefined : 'nothing but the demo imports an example.'
  }
  if (/^@hooks\/[^/]+\/(src|dist|test)\b/.test(specifier)) return 'the inside of another package.'
  const direction = top === 'packages' ? directions[name] : undefined
  if (!direction) return undefined
  if (part === 'src') {
    if (matches(direction.sources, specifier)) return undefined
    if (!matches(direction.types ?? [], specifier)) return `the sources of ${name} may not import it.`
    return typeOnly ? undefined : `${name} may import its types only (import type).`
  }
  const ours = /^@hooks\/([^/]+)/.exec(specifier)?.[1]
  return ours && !direction.tests.includes(ours) ? `the tests of ${name} may not import it.` : undefined
}

const matches = (patterns: readonly (string | RegExp)[], specifier: string): boolean =>
  patterns.some((pattern) =>
    typeof pattern === 'string'
      ? specifier === pattern || specifier.startsWith(`${pattern}/`)
      : pattern.test(specifier),
  )

interface Import {
  readonly specifier: string
  readonly typeOnly: boolean
  readonly position: number
}

const importsOf = (source: ts.SourceFile): Import[] => {
  const found: Import[] = []
  const add = (node: ts.Node | undefined, typeOnly: boolean) => {
    if (node && ts.isStringLiteralLike(node))
      found.push({ specifier: node.text, typeOnly, position: node.getStart(source) })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node))
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node))
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true)
    else if (ts.isExternalModuleReference(node)) add(node.expression, false)
    else if (ts.isCallExpression(node) && isLoad(node.expression)) add(node.arguments[0], false)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** `import(...)`, `require(...)` and `require.resolve(...)`. */
const isLoad = (callee: ts.Expression): boolean =>
  callee.kind === ts.SyntaxKind.ImportKeyword || /^require(\.resolve)?$/.test(callee.getText())

/** One path for every knot of files that reach each other. A type alone closes a circle too. */
const circles = (graph: ReadonlyMap<string, readonly string[]>): string[][] => {
  const found: string[][] = []
  const done = new Set<string>()
  const path: string[] = []
  const walk = (file: string): void => {
    const seen = path.indexOf(file)
    if (seen >= 0) {
      found.push([...path.slice(seen), file])
      return
    }
    if (done.has(file)) return
    path.push(file)
    for (const next of graph.get(file) ?? []) walk(next)
    path.pop()
    done.add(file)
  }
  for (const file of graph.keys()) walk(file)
  return found
}
