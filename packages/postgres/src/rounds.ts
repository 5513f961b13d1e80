import { StorageError } from '@hooks/core'

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

const MOST_TRIES = 50

/**
 * Does `work` with items, and again with those that it gives back: another had changed their lanes while the statement
 * waited for them.
 *
 * @throws StorageError `storage_busy`: it was so again and again
 */
export async function untilUnraced<T>(
  items: readonly T[],
  work: (items: readonly T[]) => Promise<readonly T[]>,
): Promise<void> {
  let left = items
  for (let tries = 0; left.length > 0; tries++) {
    if (tries >= MOST_TRIES) {
      throw new StorageError('storage_busy', 'other processes changed the same endpoints again and again', {
        hint: 'what was not done is safe to ask for again',
      })
    }
    left = await work(left)
  }
}
