import { afterAll, beforeAll, describe } from 'vitest'
import { bytesSuite, receiverUnderTest } from './bytes-suite.ts'
import { hosts, type Serving } from './hosts.ts'

describe.each(hosts)('bytes survive $name:', ({ known, serve }) => {
  let served: Serving
  beforeAll(async () => {
    served = await serve(receiverUnderTest())
  }, 30_000)
  afterAll(() => served.close() as undefined)

  bytesSuite(() => ({ port: served.port, path: '/webhooks' }), known)
})
