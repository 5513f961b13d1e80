import { join, relative } from 'node:path'
import { exit } from 'node:process'
import ts from 'typescript'
import type { Finding } from './finding.ts'
import { importFindings } from './import-rule.ts'
import { folders, published, root, sources } from './repository.ts'
import { seamFindings } from './seam-rule.ts'

/** The rules that no off-the-shelf linter knows: the seams and the directions of imports. */
export const lintSources = (planted: Readonly<Record<string, string>> = {}): Finding[] => {
  const files = [...folders('packages'), ...folders('examples')].flatMap((folder) => [
    ...sources(`${folder}/src`),
    ...sources(`${folder}/test`),
  ])
  const all = [...new Set([...files, ...Object.keys(planted)])]
  const program = parse(all, planted)
  const seamed = all.filter((file) => published.some((name) => file.startsWith(`packages/${name}/src/`)))
  return [...seamFindings(program, seamed), ...importFindings(program, all)]
}

/** A program whose files are named by their path from the top; `planted` texts stand in for files on the disk. */
const parse = (files: readonly string[], planted: Readonly<Record<string, string>>): ts.Program => {
  const config = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile).config
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const host = ts.createCompilerHost(options)
  const key = (path: string) => relative(root, join(root, relative(root, path)))
  const { fileExists, readFile } = host
  host.getCurrentDirectory = () => root
  host.fileExists = (path) => key(path) in planted || fileExists(path)
  host.readFile = (path) => planted[key(path)] ?? readFile(path)
  return ts.createProgram(files as string[], options, host)
}

if (process.argv[1] === import.meta.filename) {
  const findings = lintSources()
  for (const { file, line, message } of findings) console.error(`${file}:${line} ${message}`)
  if (findings.length > 0) exit(1)
}
