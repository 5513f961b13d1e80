import type { Result } from './rounds.ts'

/** One measurement: contenders at one piece of work, all held against the first. */
export interface Section {
  readonly title: string
  /** What the second contender, ours, has to reach beside the first, the limit; and the others beside ours. */
  readonly target: string
  readonly results: readonly Result[]
}

/** Figures that are no rates, and whether all of them are as they are wanted. */
export interface Figures {
  readonly text: string
  readonly good: boolean
}

/** Whether a figure is what it may be at most. */
export const verdict = (figure: number, most: number): string => (figure <= most ? 'met' : 'NOT MET')

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

/** A section as a table. */
export function table({ title, target, results }: Section): string {
  const limit = results[0]?.perSecond ?? 1
  const rows = results.map(({ name, perSecond, range }) => [
    name,
    whole.format(perSecond),
    `${whole.format(range[0])} to ${whole.format(range[1])}`,
    (perSecond / limit).toFixed(2),
  ])
  const all = [['', 'per second', 'slowest to fastest', 'of the limit'], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const lines = all.map(
    (row) =>
      `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('   ')}`,
  )
  return [`\n${title}`, ...lines, `  target: ${target}`].join('\n')
}
