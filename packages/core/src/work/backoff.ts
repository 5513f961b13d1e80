import type { Ms, Random } from '../seams.ts'

/** Doubling delays between bounds, each between half of itself and itself, so that many callers do not return at once. */
export function backoff(failures: number, random: Random, { firstMs, mostMs }: { firstMs: Ms; mostMs: Ms }): Ms {
  const full = Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 30))
  return full / 2 + (random.float() * full) / 2
}
