import { oncePerProcess } from '@hooks/nextjs'
import { expect, it, vi } from 'vitest'

it('makes a thing once, however often its module is loaded', async () => {
  const make = vi.fn(() => ({}))
  const first = oncePerProcess('sender', make)
  vi.resetModules()
  const again = await import('@hooks/nextjs')
  expect(again.oncePerProcess).not.toBe(oncePerProcess)
  expect(again.oncePerProcess('sender', make)).toBe(first)
  expect(make).toHaveBeenCalledTimes(1)
})

it('keeps things of different names apart, and nothing too', () => {
  expect(oncePerProcess('a', () => 1)).toBe(1)
  expect(oncePerProcess('b', () => 2)).toBe(2)
  const make = vi.fn(() => undefined)
  oncePerProcess('nothing', make)
  oncePerProcess('nothing', make)
  expect(make).toHaveBeenCalledTimes(1)
})

it('tries again after a failure', async () => {
  const failing = () => {
    throw new Error('no database')
  }
  expect(() => oncePerProcess('fails', failing)).toThrow('no database')
  expect(oncePerProcess('fails', () => 'made')).toBe('made')
  await expect(oncePerProcess('rejects', () => Promise.reject(new Error('no database')))).rejects.toThrow('no database')
  expect(await oncePerProcess('rejects', async () => 'made')).toBe('made')
})
