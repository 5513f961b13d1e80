import { join } from 'node:path'
import { docsDrift } from '@hooks/portal/docs'
import { expect, it } from 'vitest'
import { docs } from '../src/docs.ts'

it('the documentation for customers is that of the contract, to the byte; after a change: pnpm --filter example-lokroom docs', async () => {
  expect(await docsDrift(join(import.meta.dirname, '../docs'), docs)).toEqual([])
})
