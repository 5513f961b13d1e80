import { exit } from 'node:process'
import { fileURLToPath } from 'node:url'
import { keptPromises, SEEDS, writePromises } from './promises.ts'

// Writes the table of promises into the README of each example, and says which promise no test names.
let missing = 0
for (const seed of SEEDS) {
  const example = fileURLToPath(new URL(`../../../examples/${seed}`, import.meta.url))
  writePromises(seed, example)
  for (const [number, titles] of keptPromises(seed, `${example}/test`)) {
    if (titles.length > 0) continue
    console.error(`${seed}: no test names ${number}`)
    missing++
  }
}
if (missing > 0) exit(1)
