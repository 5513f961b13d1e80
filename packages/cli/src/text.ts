import { styleText } from 'node:util'
import type { Io } from './io.ts'

export type Colour = 'green' | 'red' | 'yellow' | 'dim' | 'bold'

/** A text in a colour, where somebody sees it. */
export const paint = ({ isTerminal }: Io, colour: Colour, text: string) =>
  isTerminal ? styleText(colour, text, { validateStream: false }) : text

/** A stranger's text in one line: what draws nothing, or would move the cursor, is written out. */
export function visible(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (one) => `\\u${one.codePointAt(0)?.toString(16).padStart(4, '0')}`,
  )
}

/** Rows in columns. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length)
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** How far something has got, as a line. */
export function bar(done: number, total: number): string {
  const width = 24
  const full = total === 0 ? width : Math.min(width, Math.round((done / total) * width))
  return `${'█'.repeat(full)}${'░'.repeat(width - full)} ${done}/${total}`
}
