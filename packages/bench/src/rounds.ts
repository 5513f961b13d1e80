/** What one run was: how many pieces of work, and how long they took, where that is not the time that went by. */
export interface Ran {
  readonly count: number
  readonly ms: number
}

/** Something to be measured: it does its work once, and says how many pieces that was. */
export interface Contender {
  readonly name: string
  /** What is done before each run, and not counted. */
  prepare?(): Promise<void>
  run(): Promise<number | Ran> | number
}

/** What a contender did, in the median of all rounds. */
export interface Result {
  readonly name: string
  readonly perSecond: number
  /** Slowest and fastest round. */
  readonly range: readonly [number, number]
}

/**
 * Runs every contender once a round, the order turned each time, so that a machine that gets slower is slow for all of
 * them. The first round warms up and is not counted.
 */
export async function measure(contenders: readonly Contender[], rounds: number): Promise<Result[]> {
  const rates = new Map(contenders.map(({ name }) => [name, [] as number[]]))
  for (let round = 0; round <= rounds; round++) {
    const order = [...contenders.slice(round % contenders.length), ...contenders.slice(0, round % contenders.length)]
    for (const contender of order) {
      const { name } = contender
      await contender.prepare?.()
      globalThis.gc?.()
      const from = performance.now()
      const ran = await contender.run()
      const { count, ms } = typeof ran === 'number' ? { count: ran, ms: performance.now() - from } : ran
      const perSecond = (count / ms) * 1000
      if (round > 0) rates.get(name)?.push(perSecond)
    }
  }
  return contenders.map(({ name }) => {
    const sorted = (rates.get(name) ?? []).sort((a, b) => a - b)
    return { name, perSecond: sorted[Math.floor(sorted.length / 2)] ?? 0, range: [sorted[0] ?? 0, sorted.at(-1) ?? 0] }
  })
}
