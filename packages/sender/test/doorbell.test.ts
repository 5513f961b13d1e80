import { type Logger, type Ms, type Queue, QueueError } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { createDoorbell, type DoorbellOptions } from '../src/doorbell.ts'
import { memoryQueue, seededRandom, virtualClock } from '../src/testing/index.ts'

const down = () => Promise.reject(new QueueError('queue_unavailable', 'the queue is down'))
const never = () => new Promise<never>(() => {})

/** A doorbell on a queue in memory, parts of which a test can replace at any time. */
function stage({ free = () => true, ...spoilt }: Partial<Queue> & Partial<Pick<DoorbellOptions, 'free'>> = {}) {
  const clock = virtualClock()
  const inner = memoryQueue({ clock })
  const rings: { at: Ms; inMs: Ms }[] = []
  const answered: Ms[] = []
  const logged: string[] = []
  const log = (level: string) => (_: object, message?: string) => void logged.push(`${level} ${message}`)
  const logger: Logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
  const parts: Queue = { ...inner, ...spoilt }
  const queue: Queue = {
    ring(inMs) {
      rings.push({ at: clock.monotonic(), inMs })
      return parts.ring(inMs)
    },
    listen: (onRing, options) => parts.listen(onRing, options),
    close: () => parts.close(),
  }
  const doorbell = createDoorbell({
    queue,
    clock,
    logger,
    random: seededRandom(3),
    answer: () => void answered.push(clock.monotonic()),
    free,
  })
  return { clock, inner, parts, rings, answered, logged, doorbell }
}

describe('a doorbell that rings', () => {
  it('rings at once', async () => {
    const { doorbell, rings, clock } = stage()
    doorbell.ring(0)
    await clock.advance(0)
    expect(rings).toEqual([{ at: 0, inMs: 0 }])
  })

  it('makes fifty rings a second of any number, the last of them after the last work', async () => {
    const { doorbell, rings, clock } = stage()
    for (let ms = 0; ms < 1_000; ms++) {
      for (let n = 0; n < 10; n++) doorbell.ring(0)
      await clock.advance(1)
    }
    await clock.advance(1_000)
    expect(rings.length).toBeLessThanOrEqual(51)
    expect(rings.length).toBeGreaterThan(40)
    expect(rings.at(-1)?.at).toBeGreaterThanOrEqual(999)
  })

  it('rings ahead for what is due later, unless a ring for about then or sooner was made', async () => {
    const { doorbell, rings, clock } = stage()
    doorbell.ring(800)
    doorbell.ring(900)
    doorbell.ring(760)
    doorbell.ring(300)
    await clock.advance(0)
    expect(rings.map(({ inMs }) => inMs)).toEqual([800, 300])
    await clock.advance(301)
    doorbell.ring(900)
    await clock.advance(0)
    expect(rings.map(({ inMs }) => inMs)).toEqual([800, 300, 900])
  })

  it('rings now, whatever was rung ahead', async () => {
    const { doorbell, rings, clock } = stage()
    doorbell.ring(10)
    doorbell.ring(0)
    await clock.advance(0)
    expect(rings.map(({ inMs }) => inMs)).toEqual([10, 0])
  })

  it('rings ahead again where the ring before was not taken', async () => {
    const { doorbell, rings, clock } = stage({ ring: down })
    doorbell.ring(60_000)
    await clock.advance(2_000)
    doorbell.ring(60_000)
    await clock.advance(0)
    expect(rings).toHaveLength(2)
  })
})

describe('a doorbell on a queue that fails', () => {
  it('costs the caller nothing: it neither throws nor rejects', async () => {
    for (const ring of [
      down,
      never,
      () => {
        throw new Error('where it should reject')
      },
    ]) {
      const { doorbell, clock } = stage({ ring })
      doorbell.ring(0)
      doorbell.ring(500)
      await clock.advance(10_000)
      expect(doorbell.state).toBe('failing')
    }
  })

  it('asks it less and less often, every 30 s in the end', async () => {
    const { doorbell, rings, clock } = stage({ ring: down })
    for (let ms = 0; ms < 3_600_000; ms += 200) {
      doorbell.ring(0)
      await clock.advance(200)
    }
    expect(rings.length).toBeLessThan(300)
    expect(rings.length).toBeGreaterThan(100)
    const pauses = rings.slice(1).map(({ at }, i) => at - (rings[i]?.at ?? 0))
    expect(pauses[0]).toBeLessThan(1_000)
    expect(Math.max(...pauses)).toBeLessThan(31_000)
  })

  it('does not wait for one that never takes a ring: 5 s, and it counts as failed', async () => {
    const { doorbell, rings, logged, clock } = stage({ ring: never })
    doorbell.ring(0)
    await clock.advance(4_999)
    expect(doorbell.state).toBe('ok')
    await clock.advance(1)
    expect(doorbell.state).toBe('failing')
    expect(logged).toEqual(['warn hooks: the queue fails; work of other processes is found by polling'])
    expect(rings).toHaveLength(1)
  })

  it('reports a failure once a minute, and that it works again', async () => {
    const { doorbell, parts, logged, clock, inner } = stage({ ring: down })
    for (let ms = 0; ms < 150_000; ms += 1_000) {
      doorbell.ring(0)
      await clock.advance(1_000)
    }
    expect(logged).toHaveLength(3)
    parts.ring = inner.ring
    for (let ms = 0; ms < 40_000; ms += 1_000) {
      doorbell.ring(0)
      await clock.advance(1_000)
    }
    expect(doorbell.state).toBe('ok')
    expect(logged.slice(3)).toEqual(['info hooks: the queue works again'])
  })

  it('counts a failure for a minute', async () => {
    const { doorbell, clock } = stage({ ring: down })
    doorbell.ring(0)
    await clock.advance(59_999)
    expect(doorbell.state).toBe('failing')
    await clock.advance(1)
    expect(doorbell.state).toBe('ok')
  })

  it('tries to listen until it does', async () => {
    const { doorbell, parts, inner, answered, clock } = stage({ listen: down })
    doorbell.listen()
    await clock.advance(100_000)
    await inner.ring(0)
    await clock.advance(0)
    expect(answered).toEqual([])
    parts.listen = inner.listen
    await clock.advance(31_000)
    await inner.ring(0)
    await clock.advance(0)
    expect(answered).toHaveLength(1)
  })

  it('does not ask a closed queue to listen again', async () => {
    let asked = 0
    const { doorbell, clock, inner } = stage({
      listen: (onRing, options) => {
        asked++
        return inner.listen(onRing, options)
      },
    })
    await inner.close()
    doorbell.listen()
    await clock.advance(3_600_000)
    expect(asked).toBe(1)
    await doorbell.stopListening()
  })

  it('counts what disturbs its listening as a failure, and the next ring as a sign of life', async () => {
    let disturb: ((error: unknown) => void) | undefined
    const { doorbell, clock, inner } = stage({
      listen: (onRing, options) => {
        disturb = options.onError
        return inner.listen(onRing, options)
      },
    })
    doorbell.listen()
    await clock.advance(0)
    disturb?.(new Error('the connection was lost'))
    expect(doorbell.state).toBe('failing')
    await inner.ring(0)
    await clock.advance(0)
    expect(doorbell.state).toBe('ok')
  })
})

describe('a doorbell that is rung', () => {
  it('looks for work, once it listens', async () => {
    const { doorbell, inner, answered, clock } = stage()
    await inner.ring(0)
    await clock.advance(10)
    doorbell.listen()
    doorbell.listen()
    await clock.advance(0)
    await inner.ring(0)
    await clock.advance(0)
    expect(answered).toEqual([10])
  })

  it('hands a ring on where its process can start nothing', async () => {
    const busy = stage({ free: () => false })
    busy.doorbell.listen()
    await busy.clock.advance(0)
    await busy.inner.ring(0)
    await busy.clock.advance(99)
    expect([busy.answered, busy.rings]).toEqual([[0], []])
    await busy.clock.advance(1)
    expect(busy.rings).toEqual([{ at: 100, inMs: 0 }])
  })

  it('keeps a ring where its process has become free meanwhile', async () => {
    let isFree = false
    const { doorbell, inner, rings, clock } = stage({ free: () => isFree })
    doorbell.listen()
    await clock.advance(0)
    await inner.ring(0)
    await clock.advance(50)
    isFree = true
    await clock.advance(1_000)
    expect(rings).toEqual([])
  })

  it('does not once it listens no more; rings still go out', async () => {
    const { doorbell, inner, answered, rings, clock } = stage()
    doorbell.listen()
    await clock.advance(0)
    await doorbell.stopListening()
    await inner.ring(0)
    doorbell.ring(0)
    await clock.advance(1_000)
    expect([answered, rings.length]).toEqual([[], 1])
  })
})

describe('a doorbell that is stopped', () => {
  it('does not wait longer than 2 s for a queue that does not let go', async () => {
    const { doorbell, clock } = stage({ listen: async () => ({ stop: never }) })
    doorbell.listen()
    await clock.advance(0)
    let stoppedAt: Ms | undefined
    void doorbell.stopListening().then(() => {
      stoppedAt = clock.monotonic()
    })
    await clock.advance(10_000)
    expect(stoppedAt).toBe(2_000)
  })

  it('stops a listening that begins after it was given up', async () => {
    let begin: (() => void) | undefined
    const { doorbell, clock, inner, answered } = stage({
      listen: async (onRing, options) => {
        await new Promise<void>((resolve) => {
          begin = resolve
        })
        return inner.listen(onRing, options)
      },
    })
    doorbell.listen()
    await clock.advance(0)
    const stopped = doorbell.stopListening()
    await clock.advance(5_000)
    await stopped
    begin?.()
    await clock.advance(0)
    await inner.ring(0)
    await clock.advance(1_000)
    expect(answered).toEqual([])
  })

  it('takes a stop that fails for a failure of the queue', async () => {
    const { doorbell, clock } = stage({ listen: async () => ({ stop: down }) })
    doorbell.listen()
    await clock.advance(0)
    await doorbell.stopListening()
    expect(doorbell.state).toBe('failing')
  })

  it('lets the last ring leave, for half a second at most', async () => {
    const quick = stage()
    quick.doorbell.ring(0)
    const flushed = quick.doorbell.flush()
    await quick.clock.advance(500)
    await flushed
    expect(quick.rings).toHaveLength(1)

    const stuck = stage({ ring: never })
    stuck.doorbell.ring(0)
    let at: Ms | undefined
    void stuck.doorbell.flush().then(() => {
      at = stuck.clock.monotonic()
    })
    await stuck.clock.advance(10_000)
    expect(at).toBe(500)
  })
})
