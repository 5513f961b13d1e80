import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger, standardWebhooks, type WireFormat } from '@hooks/core'
import { github } from '@hooks/core/formats'
import { expressReceiver } from '@hooks/express'
import { fastifyReceiver } from '@hooks/fastify'
import { nextReceiver } from '@hooks/nextjs'
import { postgresInbox } from '@hooks/postgres'
import { createReceiver, memoryIdempotency, type RequestHandler } from '@hooks/receiver'
import { type SignedRequest, signRequest } from '@hooks/receiver/testing'
import { redisIdempotency } from '@hooks/redis'
import { sqliteInbox } from '@hooks/sqlite'
import express from 'express'
import fastify from 'fastify'
import { Redis } from 'ioredis'
import Libsql from 'libsql'
import pg from 'pg'
import { findPostgres } from 'tooling/postgres'
import { findRedis } from 'tooling/redis'
import { describe, expect, it } from 'vitest'

const postgres = await findPostgres()
const redis = await findRedis()
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const COPIES = 200

/** An id that nobody can change, and one that is remembered with the signed bytes. */
const formats: Readonly<Record<string, WireFormat>> = {
  'a signed id': standardWebhooks(),
  'an unsigned id': github(),
}

/** A receiver on a store, where its effects are, and what they come to. */
interface Subject {
  receiver(format: WireFormat, work: (effect: () => unknown) => unknown): RequestHandler
  effects(): number | Promise<number>
  close(): unknown
}

/** Each makes an empty one. Those in a transaction have the effect exactly once, whatever the handler does. */
const subjects: Readonly<Record<string, { once: boolean; make(): Promise<Subject> } | undefined>> = {
  memory: {
    once: false,
    make: async () => {
      let effects = 0
      const idempotency = memoryIdempotency()
      return {
        receiver: (format, work) =>
          createReceiver({ format, secret, idempotency, logger: silentLogger }).on('tick', () => work(() => effects++)),
        effects: () => effects,
        close: () => {},
      }
    },
  },
  SQLite: {
    once: true,
    make: async () => {
      const folder = mkdtempSync(join(tmpdir(), 'hooks-duplicates-'))
      const db = new Libsql(join(folder, 'app.db'))
      db.exec('create table effect (id text)')
      const inbox = sqliteInbox(db)
      const transaction = (run: (tx: typeof db) => void) => db.transaction(() => run(db)).immediate()
      return {
        receiver: (format, work) =>
          createReceiver({ format, secret, idempotency: inbox, transaction, logger: silentLogger }).on(
            'tick',
            (_, { tx }) => work(() => (tx as typeof db).prepare('insert into effect values (1)').run()),
          ),
        effects: () => db.prepare('select id from effect').all().length,
        close: async () => {
          await inbox.close()
          db.close()
          rmSync(folder, { recursive: true })
        },
      }
    },
  },
  PostgreSQL: postgres && {
    once: true,
    make: async () => {
      const { url, drop } = await postgres.database()
      const pool = new pg.Pool({ connectionString: url, max: 10 })
      pool.on('error', () => {})
      const inbox = postgresInbox(pool)
      await inbox.schema.migrate()
      await pool.query('create table effect (id int)')
      const transaction = async (run: (tx: pg.PoolClient) => Promise<void>) => {
        const client = await pool.connect()
        try {
          await client.query('begin')
          await run(client)
          await client.query('commit')
        } catch (error) {
          await client.query('rollback')
          throw error
        } finally {
          client.release()
        }
      }
      return {
        receiver: (format, work) =>
          createReceiver({ format, secret, idempotency: inbox, transaction, logger: silentLogger }).on(
            'tick',
            (_, { tx }) => work(() => (tx as pg.PoolClient).query('insert into effect values (1)')),
          ),
        effects: async () => (await pool.query('select 1 from effect')).rows.length,
        close: async () => {
          await pool.end()
          await drop()
        },
      }
    },
  },
  Redis: redis && {
    once: false,
    make: async () => {
      const client = new Redis(redis.url)
      const prefix = `hooks-duplicates:${randomBytes(6).toString('hex')}:`
      let effects = 0
      const idempotency = redisIdempotency({ client, prefix, timeoutMs: 20_000 })
      return {
        receiver: (format, work) =>
          createReceiver({ format, secret, idempotency, logger: silentLogger }).on('tick', () => work(() => effects++)),
        effects: () => effects,
        close: async () => {
          for (const key of await client.keys(`${prefix}*`)) await client.del(key)
          client.disconnect()
        },
      }
    },
  },
}

/** A server with a receiver behind it. */
interface Server {
  send(request: SignedRequest): Promise<number>
  close(): unknown
}

const servers: Readonly<Record<string, (receiver: RequestHandler) => Promise<Server>>> = {
  Express: async (receiver) => {
    const app = express().post('/hooks', expressReceiver(receiver))
    const server = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    return { send: (request) => post(port, request), close: () => server.close() }
  },
  Fastify: async (receiver) => {
    const app = fastify()
    await app.register(fastifyReceiver, { prefix: '/hooks', receiver })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    return { send: (request) => post(port, request), close: () => app.close() }
  },
  // Its handlers are functions of a request: a server of its own is in the slow lane.
  'Next.js': async (receiver) => {
    const { POST } = nextReceiver(receiver)
    return {
      send: async ({ url, method, headers, body }) =>
        (await POST(new Request(url, { method, headers: { ...headers }, body }))).status,
      close: () => {},
    }
  },
}

function post(port: number, { method, headers, body }: SignedRequest): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path: '/hooks', method, headers, agent: false })
    request.on('error', reject)
    request.on('response', (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    request.end(body)
  })
}

const cases = Object.entries(servers).flatMap(([server, serve]) =>
  Object.entries(subjects).flatMap(([store, subject]) =>
    Object.entries(formats).flatMap(([id, format]) => (subject ? [{ server, serve, store, subject, id, format }] : [])),
  ),
)

describe('200 duplicates at once, and a handler that fails before its work and after it', { timeout: 120_000 }, () => {
  it.each(cases)('on $store behind $server, with $id', async ({ serve, subject, format }) => {
    const { once, make } = subject
    const { receiver, effects, close } = await make()
    let runs = 0
    let running = 0
    let atOnce = 0
    const server = await serve(
      receiver(format, (effect) => {
        atOnce = Math.max(atOnce, ++running)
        const leave = () => void running--
        try {
          if (++runs === 1) throw new Error('before the work')
          const done = effect()
          if (runs === 2) throw new Error('after the work')
          if (done instanceof Promise) return done.then(() => sleep(20)).finally(leave)
          leave()
          return undefined
        } catch (error) {
          leave()
          throw error
        }
      }),
    )
    const request = await signRequest(format, secret, { type: 'tick', id: 'msg_1' })
    // A duplicate of what is in progress, or has failed, is sent again, as any sender does.
    const insist = async () => {
      for (;;) {
        const status = await server.send(request)
        if (status === 200) return
        expect([500, 503]).toContain(status)
        await sleep(20)
      }
    }
    await Promise.all(Array.from({ length: COPIES }, insist))
    expect(runs).toBe(3)
    expect(atOnce).toBe(1)
    // Outside of a transaction, the run that failed after its work has left it done.
    expect(await effects()).toBe(once ? 1 : 2)
    await server.close()
    await close()
  })
})
