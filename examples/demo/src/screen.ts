import { plainLine, type Snapshot, tableLines } from './table.ts'

/** Where the demo speaks. */
export interface Screen {
  /** A line that stays. */
  say(line: string): void
  /** How things are now. */
  show(snapshot: Snapshot): void
}

/** A table that is drawn again and again in a terminal; a line each second in a pipe, a file, a CI job. */
export function createScreen(): Screen {
  return process.stdout.isTTY && !process.env.CI ? liveScreen() : plainScreen()
}

function liveScreen(): Screen {
  let lines: string[] = []
  // Up to the first line of the table, and clear all below.
  const erase = () => process.stdout.write(lines.length > 0 ? `\x1b[${lines.length}A\x1b[0J` : '')
  const draw = () => process.stdout.write(lines.map((line) => `${line}\n`).join(''))
  return {
    say(line) {
      erase()
      console.log(line)
      draw()
    },
    show(snapshot) {
      erase()
      // Without wrapping (7l, 7h): a line of a narrow terminal must stay one line, or there are more to go up.
      lines = tableLines(snapshot).map((line) => `\x1b[?7l${line}\x1b[?7h`)
      draw()
    },
  }
}

function plainScreen(): Screen {
  let lastMs = Number.NEGATIVE_INFINITY
  return {
    say: (line) => console.log(line),
    show(snapshot) {
      if (snapshot.elapsedMs - lastMs < 1000) return
      lastMs = snapshot.elapsedMs
      console.log(plainLine(snapshot))
    },
  }
}
