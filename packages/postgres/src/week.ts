/** The alphabet of ids: Crockford's base32 in lower case. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const WEEK_MS = 7 * 86_400_000

/** The week of what has an id that tells no time. It has no partition of its own. */
export const NO_WEEK = -1

/**
 * The week in which an id was made, counted from 1970: history is partitioned by it, so that whoever knows an id knows
 * the partition, and an id is unique though an index can see to that only within one. An id of another make than ours
 * (`prefix` and the base32 of a UUIDv7) has {@link NO_WEEK}.
 */
export function weekOf(id: string): number {
  const encoded = id.slice(-26)
  // Version 7 fills the first four bits after the 48 of the time; the two before them are zero.
  if (encoded.length < 26 || !/^[0-7][0-9a-hjkmnp-tv-z]{9}[ef]/.test(encoded)) return NO_WEEK
  let ms = 0
  for (const character of encoded.slice(0, 10)) ms = ms * 32 + ALPHABET.indexOf(character)
  return weekAt(ms)
}

/** The week of a time. */
export const weekAt = (ms: number): number => Math.floor(ms / WEEK_MS)
