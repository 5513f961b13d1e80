import { type Clock, newId, type Random, systemClock, systemRandom } from '@hooks/core'
import { describe, expect, it } from 'vitest'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** The 16 bytes under an id. */
const bytesOf = (id: string): Uint8Array => {
  const bits = [...id].reduce((whole, letter) => whole * 32n + BigInt(ALPHABET.indexOf(letter)), 0n)
  return Uint8Array.from({ length: 16 }, (_, i) => Number((bits >> BigInt(8 * (15 - i))) & 0xffn))
}

const at = (ms: number): Clock => ({ now: () => new Date(ms), monotonic: () => 0, sleep: () => Promise.resolve() })
const filled = (byte: number): Random => ({ bytes: (n) => new Uint8Array(n).fill(byte), float: () => 0 })

describe('an id', () => {
  it('is its prefix and 26 letters, none of them i, l, o or u', () => {
    for (let i = 0; i < 1000; i++) {
      expect(newId('msg_', systemClock, systemRandom)).toMatch(/^msg_[0-7][0-9a-hjkmnp-tv-z]{25}$/)
    }
    expect(newId('', at(0), filled(0))).toHaveLength(26)
  })

  it('is a UUIDv7: 48 bits of milliseconds, version 7, variant 2, and chance in the rest', () => {
    for (const ms of [0, 1, 1_700_000_000_123, 2 ** 48 - 1]) {
      for (const byte of [0, 0xff, 0x5a]) {
        const bytes = bytesOf(newId('', at(ms), filled(byte)))
        expect(Buffer.from(bytes).readUIntBE(0, 6)).toBe(ms)
        expect([(bytes[6] as number) >> 4, (bytes[8] as number) >> 6]).toEqual([7, 2])
        expect([(bytes[6] as number) & 0x0f, (bytes[8] as number) & 0x3f]).toEqual([byte & 0x0f, byte & 0x3f])
        expect([...bytes.subarray(9), bytes[7]]).toEqual(Array(8).fill(byte))
      }
    }
  })

  it('sorts by its time, to the millisecond, whatever chance says', () => {
    const times = [0, 1, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 1_700_000_000_000, 1_700_000_000_001, 2 ** 47]
    const ids = times.map((ms, i) => newId('msg_', at(ms), filled(i % 2 ? 0 : 0xff)))
    expect([...ids].sort()).toEqual(ids)
  })

  it('does not repeat: 100,000 in one millisecond', () => {
    const ids = new Set(Array.from({ length: 100_000 }, () => newId('', at(1_700_000_000_000), systemRandom)))
    expect(ids.size).toBe(100_000)
  })

  it('is the same for the same time and chance', () => {
    expect(newId('dlv_', at(5), filled(9))).toBe(newId('dlv_', at(5), filled(9)))
  })
})
