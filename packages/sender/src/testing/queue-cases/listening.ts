import { promise, type QueueCase } from './world.ts'

/** How those who listen are called, and how they stop. */
export const listeningCases: readonly QueueCase[] = [
  promise('no more calls run at a time than asked for', async ({ queue, listen, pass, until, gate, expect }) => {
    const { wait, open } = gate()
    const listener = await listen(queue, wait, 2)
    for (let n = 0; n < 10; n++) {
      await queue.ring(0)
      await pass(20)
    }
    await until('a call runs', () => listener.running > 0)
    expect(listener.most).toBeLessThanOrEqual(2)
    open()
    await until('all calls have ended', () => listener.running === 0)
    expect(listener.most).toBeLessThanOrEqual(2)
  }),

  promise(
    'a call that rejects is reported, and the next ring is heard',
    async ({ queue, listen, ringUntil, expect }) => {
      const listener = await listen(queue, () => {
        throw new Error('a call that fails')
      })
      await ringUntil('the first ring is heard', queue, () => listener.errors.length > 0)
      const calls = listener.began.length
      await ringUntil('another ring is heard', queue, () => listener.began.length > calls)
      expect(listener.errors[0]).toEqual(new Error('a call that fails'))
    },
  ),

  promise('rings reach another while one is busy', async ({ queue, listen, ringUntil, gate, expect }) => {
    const { wait, open } = gate()
    const listeners = [await listen(queue, wait), await listen(queue, wait)]
    await ringUntil('both are busy', queue, () => listeners.every(({ running }) => running === 1))
    open()
    expect(listeners.map(({ most }) => most)).toEqual([1, 1])
  }),

  promise('stopping waits for the call that runs', async ({ queue, listen, until, settle, gate, pass, expect }) => {
    const { wait, open } = gate()
    const listener = await listen(queue, wait)
    await queue.ring(0)
    await until('the ring is heard', () => listener.running === 1)
    let stopped = false
    const stop = listener.stop(25_000).then(() => {
      stopped = true
    })
    await pass(200)
    expect(stopped).toBe(false)
    open()
    await settle('it stops', stop)
    expect([listener.running, listener.aborted]).toEqual([0, 0])
  }),

  promise('stopping aborts what takes longer than it waits', async ({ queue, listen, until, settle, gate, expect }) => {
    const listener = await listen(queue, gate().wait)
    await queue.ring(0)
    await until('the ring is heard', () => listener.running === 1)
    await settle('it stops', listener.stop(100))
    await until('the call has ended', () => listener.running === 0)
    expect(listener.aborted).toBe(1)
  }),

  promise('no call begins once it has stopped', async ({ queue, listen, settle, pass, ringUntil, expect }) => {
    const listener = await listen(queue)
    await ringUntil('it hears', queue, () => listener.began.length > 0)
    await queue.ring(150)
    await settle('it stops', Promise.all([listener.stop(5_000), listener.stop(5_000)]))
    const calls = listener.began.length
    for (let n = 0; n < 5; n++) {
      await queue.ring(0)
      await pass(100)
    }
    await settle('it stops again', listener.stop(5_000))
    expect(listener.began.length).toBe(calls)
  }),

  promise('when one has stopped, another hears', async ({ queue, listen, settle, ringUntil }) => {
    const [one, other] = [await listen(queue), await listen(queue)]
    await ringUntil('one hears', queue, () => one.began.length > 0)
    await settle('it stops', one.stop(5_000))
    const calls = other.began.length
    await ringUntil('the other hears', queue, () => other.began.length > calls)
  }),

  promise('one can listen again after stopping', async ({ queue, listen, settle, until }) => {
    const before = await listen(queue)
    await settle('it stops', before.stop(5_000))
    const after = await listen(queue)
    await queue.ring(0)
    await until('the ring is heard', () => after.began.length > 0)
  }),

  promise(
    'closing stops the listening, and refuses the rest',
    async ({ queue, listen, settle, outcome, until, gate, expect }) => {
      const listener = await listen(queue, gate().wait)
      await queue.ring(0)
      await until('the ring is heard', () => listener.running === 1)
      await settle('it closes', queue.close())
      await until('the call has ended', () => listener.running === 0)
      expect(listener.began.length).toBe(1)
      expect(await outcome(queue.ring(0))).toBe('queue_closed')
      expect(await outcome(queue.ring(1_000))).toBe('queue_closed')
      expect(await outcome(queue.listen(async () => {}, { concurrency: 1 }))).toBe('queue_closed')
    },
  ),

  promise('closing twice, and stopping after it, is no error', async ({ queue, listen, outcome, expect }) => {
    const listener = await listen(queue)
    await queue.ring(0)
    expect(await outcome(Promise.all([queue.close(), queue.close()]))).toBe('ok')
    expect(await outcome(queue.close())).toBe('ok')
    expect(await outcome(listener.stop(1_000))).toBe('ok')
  }),
]
