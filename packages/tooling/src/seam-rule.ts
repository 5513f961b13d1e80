import ts from 'typescript'
import type { Finding } from './finding.ts'

/**
 * Time, chance and the network reach the packages through their seams, so that a test can hold all three still.
 * This rule finds every use of the platform's own outside the seam files. It asks the compiler what a name means: a
 * parameter called `fetch` passes, and `const { now } = Date` does not.
 */
export const seamFindings = (program: ts.Program, files: readonly string[]): Finding[] => {
  const checker = program.getTypeChecker()
  const findings: Finding[] = []
  for (const file of files) {
    const allowed = seamsOf(file)
    const source = program.getSourceFile(file)
    if (allowed === 'all' || !source) continue
    const visit = (node: ts.Node): void => {
      const found =
        ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node) ? undefined : forbidden(node, checker)
      if (found && !allowed.includes(found.kind)) {
        const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
        findings.push({ file, line: line + 1, message: `${found.name} ${advice[found.kind]}` })
      }
      if (!ts.isTypeNode(node) || ts.isExpressionWithTypeArguments(node)) ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return findings
}

type Kind = 'time' | 'timer' | 'chance' | 'network'

const advice: Record<Kind, string> = {
  time: 'reads the machine: take the time from the Clock.',
  timer: 'waits on the machine: sleep on the Clock.',
  chance: 'is not repeatable: take chance from Random.',
  network: 'is the network: send through the Transport.',
}

const seamsOf = (file: string): 'all' | readonly Kind[] => {
  if (/\/core\/src\/seams\.ts$/.test(file)) return 'all'
  if (/\/sender\/src\/http\//.test(file)) return ['timer', 'network']
  // They let the event loop turn: one in its own time, one between two moments of a virtual one.
  if (/\/sender\/src\/clock\.ts$/.test(file)) return ['timer']
  if (/\/sender\/src\/testing\/virtual-clock\.ts$/.test(file)) return ['timer']
  // It judges a server that runs elsewhere.
  if (/\/receiver\/src\/testing\/endpoint-suite\.ts$/.test(file)) return ['network']
  // The one file of the command line that touches the machine.
  if (/\/cli\/src\/machine\.ts$/.test(file)) return ['network']
  return []
}

/** What the platform calls its own, by name; where a name alone says too little, with the declaration that owns it. */
const names: readonly (readonly [Kind, RegExp])[] = [
  ['time', /\bperformance$|^(Date|Performance)\w*\.now$|\b(hrtime|uptime)$/],
  ['timer', /\b(set|clear)(Timeout|Interval|Immediate)$|^AbortSignal\w*\.timeout$|^Atomics\.wait(Async)?$/],
  ['chance', /^Math\.random$|\b(random(Bytes|Fill|FillSync|Int|UUID\w*)|getRandomValues)$/],
  ['chance', /\bgenerateKey(Pair)?(Sync)?$/],
  ['network', /^fetch$|\.fetch$|^(WebSocket|EventSource|XMLHttpRequest)$/],
]

const modules: readonly (readonly [Kind, RegExp])[] = [
  ['time', /^(node:)?perf_hooks$/],
  ['timer', /^(node:)?timers(\/promises)?$/],
]

interface Forbidden {
  readonly kind: Kind
  readonly name: string
}

const forbidden = (node: ts.Node, checker: ts.TypeChecker): Forbidden | undefined => {
  if (ts.isStringLiteralLike(node)) return isModuleName(node) ? match(modules, node.text) : undefined
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression))
    return platform(checker.getTypeAtLocation(node.expression).getProperty(node.argumentExpression.text))
  if (!ts.isIdentifier(node)) return undefined
  if (ts.isBindingElement(node.parent) && ts.isObjectBindingPattern(node.parent.parent)) {
    const { propertyName, name } = node.parent
    if (node !== (propertyName ?? name)) return undefined
    return platform(checker.getTypeAtLocation(node.parent.parent).getProperty(node.text))
  }
  const symbol = meaning(node, checker)
  if (node.text === 'Date' && isPlatform(symbol) && !harmlessDate(node)) return { kind: 'time', name: 'Date' }
  return platform(symbol)
}

const meaning = (node: ts.Identifier, checker: ts.TypeChecker): ts.Symbol | undefined => {
  const symbol = ts.isShorthandPropertyAssignment(node.parent)
    ? checker.getShorthandAssignmentValueSymbol(node.parent)
    : checker.getSymbolAtLocation(node)
  return symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

/** A `Date` that is made of something, parsed, or only named. */
const harmlessDate = (node: ts.Identifier): boolean => {
  // `globalThis.Date` stands where `Date` would.
  const date = ts.isPropertyAccessExpression(node.parent) && node.parent.name === node ? node.parent : node
  const { parent } = date
  if (ts.isNewExpression(parent)) return (parent.arguments ?? []).some((argument) => !ts.isSpreadElement(argument))
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === date
  if (ts.isBinaryExpression(parent)) return parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword
  return ts.isTypeQueryNode(parent) || ts.isExportSpecifier(parent)
}

const platform = (symbol: ts.Symbol | undefined): Forbidden | undefined =>
  symbol && isPlatform(symbol) ? match(names, qualified(symbol)) : undefined

/** Declared by the language or by a package, not by us. */
const isPlatform = (symbol: ts.Symbol | undefined): boolean =>
  symbol?.declarations?.some((declaration) => declaration.getSourceFile().fileName.includes('/node_modules/')) ?? false

/** The name with the type or module that holds it: `Math.random`, `crypto.randomBytes`, `fetch`. */
const qualified = (symbol: ts.Symbol): string => {
  const parts = [symbol.name]
  for (let node: ts.Node | undefined = symbol.declarations?.[0]?.parent; node; node = node.parent) {
    if (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)) parts.unshift(node.name?.text ?? '')
    else if (ts.isModuleDeclaration(node) && node.name.text !== 'global') parts.unshift(node.name.text)
    else if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name)) parts.unshift(node.name.text)
  }
  return parts.filter((part) => !part.startsWith('node:') && part !== 'NodeJS').join('.')
}

const isModuleName = (node: ts.StringLiteralLike): boolean =>
  ts.isImportDeclaration(node.parent) ||
  ts.isExportDeclaration(node.parent) ||
  (ts.isCallExpression(node.parent) && node.parent.arguments[0] === node)

const match = (table: readonly (readonly [Kind, RegExp])[], name: string): Forbidden | undefined => {
  for (const [kind, pattern] of table) if (pattern.test(name)) return { kind, name }
  return undefined
}
