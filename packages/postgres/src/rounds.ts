/**
 * Items in rounds, so that no key comes twice in one: a statement changes a row once. Almost always there is one round;
 * what comes twice goes into the next.
 */
export function inRounds<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const rounds: T[][] = []
  const counts = new Map<string, number>()
  for (const item of items) {
    const key = keyOf(item)
    const round = counts.get(key) ?? 0
    counts.set(key, round + 1)
    rounds[round] ??= []
    rounds[round].push(item)
  }
  return rounds
}
