import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

/** A test as its file has it: its title, and what the rows of its table begin with. */
export interface Test {
  readonly title: string
  readonly rows: readonly string[]
}

/** The tests of a folder, and of none below it: those of its `.test.ts` files. */
export const testsIn = (folder: string): Test[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .flatMap((name) => testsOf(join(folder, name)))

/** The titles that name a number such as `T12`: where a row of the table names it, the title with that row. */
export function titlesNaming(number: string, tests: readonly Test[]): string[] {
  const names = new RegExp(`\\b${number}\\b`)
  return tests.flatMap(({ title, rows }) =>
    names.test(title)
      ? [title]
      : title.includes('%s')
        ? rows.filter((row) => names.test(row)).map((row) => title.replace('%s', () => row))
        : [],
  )
}

/** The tests in a file, `it(...)` and `it.each(...)(...)`, that are not put off. */
export function testsOf(path: string): Test[] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022)
  const tests: Test[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const called = node.expression.getText(source)
      const [title] = node.arguments
      if (/^it\b(?!\.(?:skip|todo)\b)/.test(called) && title && ts.isStringLiteralLike(title))
        tests.push({ title: title.text, rows: rowsOf(node.expression) })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return tests
}

/** What each row of `it.each([...])` begins with, where that is text. */
function rowsOf(each: ts.Expression): string[] {
  const table = ts.isCallExpression(each) ? each.arguments[0] : undefined
  if (!table || !ts.isArrayLiteralExpression(table)) return []
  return table.elements
    .map((row) => (ts.isArrayLiteralExpression(row) ? row.elements[0] : row))
    .filter((first): first is ts.StringLiteralLike => first !== undefined && ts.isStringLiteralLike(first))
    .map(({ text }) => text)
}
