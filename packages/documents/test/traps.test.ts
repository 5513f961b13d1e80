import { fileURLToPath } from 'node:url'
import { BEYOND_US, keptTraps } from 'documents'
import { expect, it } from 'vitest'

const kept = keptTraps(fileURLToPath(new URL('../../..', import.meta.url)))

it('each trap of the documents is named by a test, or is beyond us for a reason', () => {
  const missing = [...kept].filter(([trap, titles]) => titles.length === 0 && !BEYOND_US[trap])
  expect(missing.map(([trap]) => trap)).toEqual([])
})

it('nothing is called beyond us that a test has taken up', () => {
  expect([...kept].filter(([trap, titles]) => titles.length > 0 && BEYOND_US[trap]).map(([trap]) => trap)).toEqual([])
})
