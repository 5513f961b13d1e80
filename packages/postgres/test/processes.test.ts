import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineContract, defineEvents } from '@hooks/core'
import { createSender } from '@hooks/sender'
import pg from 'pg'
import { compiledScript } from 'tooling/script'
import { expect, it } from 'vitest'
import { postgresStorage } from '../src/index.ts'
import { server } from './servers.ts'

const PROCESSES = 3
const ENDPOINTS = 6
/** Of an endpoint, over all processes, by default. */
const CAP = 4
/** All three are needed to use what the endpoints have, and none has room for more. */
const CONCURRENCY = (ENDPOINTS * CAP) / PROCESSES
const ROUNDS = 3
/** What is one too many has come by then. It decides nothing where none does. */
const LOOK_MS = 500

it.skipIf(!server)(
  'three processes have four requests in flight at an endpoint together, and never more',
  {
    timeout: 120_000,
  },
  async () => {
    const { url, drop } = await (server as NonNullable<typeof server>).database()
    const pool = new pg.Pool({ connectionString: url })
    const waiting: { response: ServerResponse; path: string; by: string }[] = []
    const most = new Map<string, number>()
    const receiver = createServer((request, response) => {
      request.resume()
      request.on('end', () => {
        const [path, by] = [request.url ?? '', String(request.headers['user-agent'])]
        waiting.push({ response, path, by })
        for (const key of [path, by]) {
          const inFlight = waiting.filter((one) => one.path === key || one.by === key).length
          most.set(key, Math.max(most.get(key) ?? 0, inFlight))
        }
      })
    }).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    const { port } = receiver.address() as AddressInfo
    const storage = postgresStorage(pool, { migrate: true })
    const web = createSender({ contract: defineContract({ events: defineEvents({ tick: {} }) }), storage, dev: true })
    for (let n = 0; n < ENDPOINTS; n++) await web.endpoints.create('acme', { url: `http://127.0.0.1:${port}/${n}` })
    for (let n = 0; n < ROUNDS * CAP; n++) await web.send('tick', { n }, { tenant: 'acme' })

    const script = await compiledScript(new URL('./children/worker.ts', import.meta.url))
    const children: ChildProcess[] = []
    for (let n = 0; n < PROCESSES; n++) {
      const values = [url, `worker/${n}`, String(CONCURRENCY)]
      const child = fork(script, values)
      children.push(child)
      await once(child, 'message')
    }
    for (let round = 0; round < ROUNDS; round++) {
      while (waiting.length < ENDPOINTS * CAP) await sleep(10)
      await sleep(LOOK_MS)
      expect(waiting.length).toBe(ENDPOINTS * CAP)
      for (const { response } of waiting.splice(0)) response.writeHead(204).end()
    }
    for (const child of children) {
      const ended = once(child, 'exit')
      child.disconnect()
      expect(await ended).toEqual([0, null])
    }
    const paths = Array.from({ length: ENDPOINTS }, (_, n) => [`/${n}`, CAP])
    const names = Array.from({ length: PROCESSES }, (_, n) => [`worker/${n}`, CONCURRENCY])
    expect(Object.fromEntries(most)).toEqual(Object.fromEntries([...paths, ...names]))
    expect((await web.deliveries.stats('acme')).delivered).toBe(ROUNDS * ENDPOINTS * CAP)
    await web.stop()
    await pool.end()
    receiver.closeAllConnections()
    receiver.close()
    await drop()
  },
)
