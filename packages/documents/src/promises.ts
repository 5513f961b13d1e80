import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Seed } from './documents.ts'
import { testsIn, titlesNaming } from './titles.ts'

/** The promises of each document are numbered in their order: its letter, and how many there are. */
const PROMISES: Readonly<Record<Seed, readonly [letter: string, count: number]>> = {
  veza: ['V', 26],
  grillo: ['G', 53],
  'audit-trail': ['A', 39],
  course: ['C', 22],
  lokroom: ['L', 61],
}

/** The documents, each with an example. */
export const SEEDS = ['veza', 'grillo', 'audit-trail', 'course', 'lokroom'] as const satisfies readonly Seed[]

/** By promise, the titles of the tests that keep it: those that name its number. Tests of a folder count, `.test.ts` files alone. */
export function keptPromises(seed: Seed, folder: string): ReadonlyMap<string, readonly string[]> {
  const [letter, count] = PROMISES[seed]
  const tests = testsIn(folder)
  const numbers = Array.from({ length: count }, (_, i) => `${letter}${i + 1}`)
  return new Map(numbers.map((number) => [number, titlesNaming(number, tests)]))
}

const BEGIN = '<!-- promises -->'
const END = '<!-- /promises -->'

/** A README with the table of promises between its marks brought up to date: number, and the tests that keep it. */
export function withPromises(readme: string, kept: ReadonlyMap<string, readonly string[]>): string {
  const begin = readme.indexOf(BEGIN)
  const end = readme.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`the README has no place for its promises: ${BEGIN} ${END}`)
  const cell = (title: string) => title.replaceAll('|', '\\|')
  const rows = [...kept].map(([number, titles]) => `| ${number} | ${titles.map(cell).join('; ')} |`)
  const table = ['| promise | kept by the test |', '|---|---|', ...rows].join('\n')
  return `${readme.slice(0, begin + BEGIN.length)}\n${table}\n${readme.slice(end)}`
}

/** Brings the README beside a folder of tests up to date. */
export function writePromises(seed: Seed, example: string): void {
  const path = join(example, 'README.md')
  writeFileSync(path, withPromises(readFileSync(path, 'utf8'), keptPromises(seed, join(example, 'test'))))
}
