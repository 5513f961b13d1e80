import { silentLogger } from '@hooks/core'
import Libsql from 'libsql'
import { describe, expect, it } from 'vitest'
import { sqliteInbox, sqliteStorage } from '../src/index.ts'
import { freshPath } from './place.ts'

/** As they come from environments and from typing errors. */
const BAD: readonly (readonly [string, object])[] = [
  ['busyTimeoutMs', { busyTimeoutMs: Number.NaN }],
  ['busyTimeoutMs', { busyTimeoutMs: '5000' }],
  ['busyTimeoutMs', { busyTimeoutMs: -1 }],
  ['migrate', { migrate: 'false' }],
  ['prefix', { prefix: 7 }],
  ['no option "prefx"', { prefx: 'app_' }],
  ['clock', { clock: Date }],
]

describe('options', () => {
  for (const [of, make] of Object.entries({ sqliteStorage, sqliteInbox })) {
    for (const [words, given] of BAD) {
      it(`of ${of}: refuses ${JSON.stringify(given)}, and makes no file`, async () => {
        const options = { logger: silentLogger, driver: Libsql, ...given }
        expect(() => make(freshPath(), options as never)).toThrow(
          expect.objectContaining({ code: 'option_invalid', message: expect.stringContaining(words) }),
        )
      })
    }
  }
})
