import { describe, expect, it } from 'vitest'
import { postgresInbox, postgresQueue, postgresStorage } from '../src/index.ts'

const database = async () => []
const listener = () => ({}) as never

/** As they come from environments and from typing errors. */
const BAD: readonly (readonly [string, object])[] = [
  ['timeoutMs', { timeoutMs: Number.NaN }],
  ['timeoutMs', { timeoutMs: '30000' }],
  ['timeoutMs', { timeoutMs: 0 }],
  ['migrate', { migrate: 'false' }],
  ['schema', { schema: null }],
  ['no option "shema"', { shema: 'app' }],
]
const BAD_QUEUES: readonly (readonly [string, object])[] = [
  ['needs database', { listener }],
  ['needs listener', { database }],
  ['listener', { database, listener: 'postgres://localhost' }],
  ['heartbeat', { database, listener, heartbeat: 0 }],
  ['heartbeat', { database, listener, heartbeat: '1 s' }],
  ['channel', { database, listener, channel: 7 }],
  ['no option "chanel"', { database, listener, chanel: 'rings' }],
]

const refused = (words: string) =>
  expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(words) })

describe('options', () => {
  for (const [of, make] of Object.entries({ postgresStorage, postgresInbox }))
    for (const [words, given] of BAD)
      it(`of ${of}: refuses ${JSON.stringify(given)}`, () => {
        expect(() => make(database, given)).toThrow(refused(words))
      })
  for (const [words, given] of BAD_QUEUES)
    it(`of postgresQueue: refuses one that ${words}`, () => {
      expect(() => postgresQueue(given as never)).toThrow(refused(words))
    })
  it('of postgresStorage: refuses a flag for prepared statements that is none', () => {
    expect(() => postgresStorage(database, { preparedStatements: 'false' as never })).toThrow(
      refused('preparedStatements'),
    )
  })
})
