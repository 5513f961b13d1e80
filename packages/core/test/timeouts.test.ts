import { createTimeouts, type Wait } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

const TIMEOUT = 1_000
/** How late a wait may end. */
const LATE = 100

function place() {
  const clock = new VirtualClock()
  const timeouts = createTimeouts(clock, TIMEOUT, () => new Error('late'))
  return { clock, timeouts }
}

describe('a wait for an answer', () => {
  it('ends with the answer, or with the error that came in its place', async () => {
    const { timeouts } = place()
    expect(await timeouts.within(async () => 1)).toBe(1)
    await expect(timeouts.within(async () => Promise.reject(new Error('refused')))).rejects.toThrow('refused')
  })

  it('ends when its time is over, and leaves what it waited for once', async () => {
    const { clock, timeouts } = place()
    const left: string[] = []
    let wait: Wait | undefined
    const waiting = timeouts.within((given) => {
      wait = given
      given.leave = ({ message }) => left.push(message)
      return new Promise(() => {})
    })
    const ended = expect(waiting).rejects.toThrow('late')
    await clock.advance(TIMEOUT - 1)
    expect(left).toEqual([])
    expect(wait?.isOver).toBe(false)
    await clock.advance(LATE + 1)
    await ended
    expect(left).toEqual(['late'])
    expect(wait?.isOver).toBe(true)
    await clock.advance(2 * TIMEOUT)
    expect(left).toEqual(['late'])
  })

  it('is of its own length, whatever others wait', async () => {
    const { clock, timeouts } = place()
    const ends: string[] = []
    const ask = (name: string) =>
      timeouts.within(() => new Promise(() => {})).catch(() => ends.push(`${name} at ${clock.monotonic() - from}`))
    const from = clock.monotonic()
    void ask('first')
    await clock.advance(550)
    void ask('second')
    void timeouts.within(async () => {})
    await clock.advance(3 * TIMEOUT)
    expect(ends).toEqual(['first at 1000', 'second at 1600'])
  })

  it('keeps no timer when nothing is waited for any more', async () => {
    const { clock, timeouts } = place()
    await timeouts.within(async () => {})
    expect(clock.asleep).toBe(1)
    await clock.advance(LATE)
    expect(clock.asleep).toBe(0)
  })
})
