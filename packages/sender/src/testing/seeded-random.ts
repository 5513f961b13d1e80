import type { Random } from '@hooks/core'

/**
 * A {@link Random} for tests: the same seed gives the same numbers, on every platform and in every version. It is
 * sfc32, its state filled from the seed (a 32-bit integer; more is cut off) by splitmix32. `bytes` and `float`
 * draw from one sequence. It is fit for tests, and for no secret.
 */
export function seededRandom(seed: number): Random {
  const mix = splitmix32(seed)
  let [a, b, c, counter] = [mix(), mix(), mix(), 1]

  function next(): number {
    const sum = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  // The first numbers of seeds that lie close together are still alike.
  for (let i = 0; i < 12; i++) next()

  return {
    bytes(n) {
      const bytes = new Uint8Array(n)
      for (let i = 0, word = 0; i < n; i++, word >>>= 8) {
        if (i % 4 === 0) word = next()
        bytes[i] = word & 0xff
      }
      return bytes
    },
    // 53 bits, as many as a number between 0 and 1 can hold.
    float: () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53,
  }
}

function splitmix32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let word = state ^ (state >>> 16)
    word = Math.imul(word, 0x21f0aaad)
    word ^= word >>> 15
    word = Math.imul(word, 0x735a2d97)
    return word ^ (word >>> 15)
  }
}
