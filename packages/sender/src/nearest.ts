const MOST_SHOWN = 8

/** The names that a wrong one could stand for, for a hint: all where they are few, else those that are most like it. */
export function nearest(wrong: string, names: readonly string[]): string {
  if (names.length <= MOST_SHOWN) return names.join(', ')
  const likeness = new Map(names.map((name) => [name, alike(wrong, name)]))
  const sorted = [...names].sort((a, b) => (likeness.get(b) ?? 0) - (likeness.get(a) ?? 0))
  return `${sorted.slice(0, MOST_SHOWN).join(', ')} and ${names.length - MOST_SHOWN} more`
}

/** How many pairs of neighbouring letters two texts share, of all that they have: 1 where they are the same. Dice, 1945. */
function alike(one: string, other: string): number {
  const [pairs, others] = [pairsOf(one), pairsOf(other)]
  const shared = [...pairs].filter((pair) => others.has(pair)).length
  return (2 * shared) / (pairs.size + others.size || 1)
}

function pairsOf(text: string): Set<string> {
  const letters = [...text.toLowerCase()]
  return new Set(letters.slice(1).map((letter, at) => `${letters[at]}${letter}`))
}
