import { virtualClock } from '@hooks/sender/testing'
import { describe, expect, it } from 'vitest'
import { createWatermark } from '../src/watermark.ts'

const NOW = 1_700_000_000
const REACH = { usualMs: 100, fartherMs: 5_000 }

describe('a watermark', () => {
  const newWatermark = () => {
    const clock = virtualClock()
    return { clock, watermark: createWatermark(clock, REACH) }
  }

  it('has the first read begin at the beginning, and those that follow a little behind what that found', () => {
    const { watermark } = newWatermark()
    expect(watermark.from()).toBe('-Infinity')
    watermark.raise(NOW)
    expect(watermark.from()).toBe(String(NOW - 0.1))
  })

  it('goes further back once a second, for what was committed late, and to the beginning once in half a minute', async () => {
    const { clock, watermark } = newWatermark()
    const reads: string[] = []
    for (let n = 0; n < 124; n++) {
      reads.push(watermark.from())
      watermark.raise(NOW)
      await clock.advance(250)
    }
    const countOf = (from: string) => reads.filter((read) => read === from).length
    expect(countOf('-Infinity')).toBe(2)
    expect(countOf(String(NOW - 5))).toBe(29)
    expect(countOf(String(NOW - 0.1))).toBe(93)
  })

  it('is lowered to what a read further back has found, so that the next read from the mark finds it', () => {
    const { watermark } = newWatermark()
    watermark.from()
    watermark.raise(NOW)
    expect(watermark.farther()).toBe(String(NOW - 5))
    watermark.lower(NOW - 3)
    expect(watermark.from()).toBe(String(NOW - 3.1))
    watermark.lower(NOW + 60)
    expect(watermark.from()).toBe(String(NOW - 3.1))
  })

  it('is at the beginning until something was found', () => {
    const { watermark } = newWatermark()
    watermark.from()
    expect(watermark.from()).toBe('-Infinity')
  })
})
