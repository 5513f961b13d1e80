import type { Random } from '@hooks/core'

/** Chance, as a simulation draws it. */
export interface Dice {
  /** From 0 to 1. */
  float(): number
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  pick<T>(from: readonly T[]): T
  chance(probability: number): boolean
}

/** Dice that a seed has loaded. */
export function createDice(random: Random): Dice {
  return {
    float: () => random.float(),
    between: (low, high) => low + Math.floor(random.float() * (high - low + 1)),
    pick: (from) => from[Math.floor(random.float() * from.length)] as (typeof from)[number],
    chance: (probability) => random.float() < probability,
  }
}
