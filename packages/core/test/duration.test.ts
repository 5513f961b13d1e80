import { type Duration, toMs } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { codeOf } from './support.ts'

describe('a duration', () => {
  it.each<[Duration, number]>([
    [0, 0],
    [1500, 1500],
    [0.5, 0.5],
    ['0s', 0],
    ['500ms', 500],
    ['15s', 15_000],
    ['5m', 300_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    ['00.50s', 500],
  ])('of %s is %i milliseconds', (duration, ms) => {
    expect(toMs(duration, 'lease')).toBe(ms)
  })

  const others = [
    ...[-1, Number.NaN, Number.POSITIVE_INFINITY, null, undefined, {}, [], [5], true, 5n],
    ...['', 's', '5', '5 s', ' 5s', '5s ', '-5s', '+5s', '5S', '1e3s', '.5s', '5.s', '1,5s', '5w', '5s5s', '5s\n'],
  ]
  it.each(others.map((duration) => [duration]))('is refused where it is none: %o', (duration) => {
    expect(codeOf(() => toMs(duration as Duration, 'lease'))).toBe('option_invalid')
  })

  it('that is refused is named by its option, and not quoted', () => {
    expect(() => toMs('s3cr3t' as Duration, 'policy.deadline')).toThrow('policy.deadline is not a duration')
  })
})
