import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { Begun, IdempotencyStore } from '@hooks/core'
import { Cluster, Redis } from 'ioredis'
import { createClient, createClientPool, createCluster } from 'redis'
import { findOwnRedis, findRedis } from 'tooling/redis'
import { startRelay } from 'tooling/relay'
import { compiledScript } from 'tooling/script'
import { afterAll, describe, expect, it } from 'vitest'
import { type RedisClient, redisIdempotency } from '../src/index.ts'
import { clear, freshPrefix, keysUnder, libraries } from './clients.ts'

const shared = await findRedis()
const own = await findOwnRedis()
afterAll(() => own?.kill())

const LEASE = { leaseMs: 60_000 }
const unavailable = expect.objectContaining({
  name: 'StorageError',
  code: 'storage_unavailable',
  hint: expect.any(String),
})

const leaseOf = (begun: Begun) => {
  if (begun.state !== 'claimed') throw new Error(`the key should be free, and is ${begun.state}`)
  return begun.lease
}

/** Whether the store can be used again. */
async function answers(store: IdempotencyStore): Promise<boolean> {
  try {
    await store.begin('other', LEASE)
    return true
  } catch {
    return false
  }
}

/** Every call once, on a key that is free. */
async function tour(store: IdempotencyStore, key: string): Promise<void> {
  const first = leaseOf(await store.begin(key, LEASE))
  expect(await store.extend(first, 60_000)).toBe('applied')
  expect(await store.abandon(first)).toBe('applied')
  const second = leaseOf(await store.begin(key, LEASE))
  expect(await store.complete(second, { keepMs: 60_000 })).toBe('applied')
  expect(await store.completedWithin(key, 60_000)).toBe(true)
  expect(await store.begin(key, LEASE)).toEqual({ state: 'completed' })
}

describe.skipIf(!own).each(Object.entries(libraries))('a server of its own, by %s', (_name, connect) => {
  const { url = '', host = '', port = 0 } = own ?? {}

  it('that forgets its scripts between any two calls is given them again', async () => {
    const connected = await connect(url)
    const flushing = (client: RedisClient): RedisClient =>
      new Proxy(client, {
        get(target, name) {
          const method = Reflect.get(target, name)
          if (name !== 'evalsha' && name !== 'evalSha') return method
          return async (...values: unknown[]) => {
            await connected.command('SCRIPT', 'FLUSH')
            return (method as (...values: unknown[]) => unknown).apply(target, values)
          }
        },
      })
    await tour(redisIdempotency({ client: flushing(connected.client), prefix: freshPrefix() }), 'k')
    connected.close()
  })

  it('that is down fails each call within its time, and serves again once it is up', { timeout: 60_000 }, async () => {
    const connected = await connect(url)
    const store = redisIdempotency({ client: connected.client, prefix: freshPrefix(), timeoutMs: 400 })
    const lease = leaseOf(await store.begin('k', LEASE))
    await own?.kill()
    for (const call of [
      () => store.begin('k', LEASE),
      () => store.complete(lease, { keepMs: 1 }),
      () => store.abandon(lease),
      () => store.extend(lease, 1),
      () => store.completedWithin('k', 1),
    ])
      await expect(call()).rejects.toEqual(unavailable)
    await own?.start()
    // It has lost its memory: what was claimed is free.
    await expect.poll(() => answers(store), { timeout: 20_000 }).toBe(true)
    await tour(store, 'after')
    connected.close()
  })

  it('that is reached over a line that swallows what is sent fails the call, and is reached again', {
    timeout: 60_000,
  }, async () => {
    const relay = await startRelay(host, port)
    const connected = await connect(`redis://127.0.0.1:${relay.port}`)
    const store = redisIdempotency({ client: connected.client, prefix: freshPrefix(), timeoutMs: 400 })
    await tour(store, 'before')
    relay.stall()
    await expect(store.begin('k', LEASE)).rejects.toEqual(unavailable)
    relay.restore()
    await expect.poll(() => answers(store), { timeout: 20_000 }).toBe(true)
    connected.close()
    await relay.close()
  })

  it('that claims a key after its caller gave up waiting does not keep it claimed', { timeout: 60_000 }, async () => {
    const connected = await connect(url)
    const control = await connect(url)
    const prefix = freshPrefix()
    const store = redisIdempotency({ client: connected.client, prefix, timeoutMs: 200 })
    const patient = redisIdempotency({ client: control.client, prefix, timeoutMs: 20_000 })
    await control.command('CLIENT', 'PAUSE', '1500', 'ALL')
    await expect(store.begin('k', LEASE)).rejects.toEqual(unavailable)
    await expect.poll(async () => (await patient.begin('k', LEASE)).state, { timeout: 20_000 }).toBe('claimed')
    connected.close()
    control.close()
  })

  it('that is full says so, and has written nothing', async () => {
    const connected = await connect(url)
    const prefix = freshPrefix()
    const store = redisIdempotency({ client: connected.client, prefix })
    await connected.command('CONFIG', 'SET', 'maxmemory', '1')
    await expect(store.begin('k', LEASE)).rejects.toMatchObject({ code: 'storage_full' })
    await connected.command('CONFIG', 'SET', 'maxmemory', '0')
    expect(await keysUnder(connected, prefix)).toEqual([])
    await tour(store, 'k')
    connected.close()
  })

  it('that is full goes on with what is claimed: it is held, and completed', async () => {
    const connected = await connect(url)
    const store = redisIdempotency({ client: connected.client, prefix: freshPrefix() })
    const lease = leaseOf(await store.begin('k', LEASE))
    const failed = leaseOf(await store.begin('failed', LEASE))
    await connected.command('CONFIG', 'SET', 'maxmemory', '1')
    try {
      expect(await store.extend(lease, 60_000)).toBe('applied')
      expect(await store.complete(lease, { keepMs: 60_000 })).toBe('applied')
      expect(await store.abandon(failed)).toBe('applied')
    } finally {
      await connected.command('CONFIG', 'SET', 'maxmemory', '0')
    }
    expect(await store.begin('k', LEASE)).toEqual({ state: 'completed' })
    connected.close()
  })

  it('that forgets a claim while its work is done is told of it again, unless another has claimed it', async () => {
    const connected = await connect(url)
    const store = redisIdempotency({ client: connected.client, prefix: freshPrefix() })
    const [short, long, taken] = [
      leaseOf(await store.begin('short', LEASE)),
      leaseOf(await store.begin('long', LEASE)),
      leaseOf(await store.begin('taken', LEASE)),
    ]
    await connected.command('FLUSHALL')
    await store.begin('taken', LEASE)
    expect(await store.extend(long, 60_000)).toBe('applied')
    expect(await store.begin('long', LEASE)).toMatchObject({ state: 'in_progress' })
    for (const lease of [short, long]) {
      expect(await store.complete(lease, { keepMs: 60_000 })).toBe('applied')
      expect(await store.begin(lease.key, LEASE)).toEqual({ state: 'completed' })
    }
    expect(await store.extend(taken, 60_000)).toBe('stale')
    expect(await store.complete(taken, { keepMs: 60_000 })).toBe('stale')
    connected.close()
  })

  it('whose user may not run a command is said to refuse it, and which ones are needed', async () => {
    const connected = await connect(url)
    const store = redisIdempotency({ client: connected.client, prefix: freshPrefix() })
    const needed = { message: 'Redis refused: NOPERM', hint: expect.stringMatching(/hincrby/) }
    for (const command of ['time', 'evalsha']) {
      await connected.command('ACL', 'SETUSER', 'default', `-${command}`)
      const begun = await Promise.resolve(store.begin('k', LEASE)).catch((error: unknown) => error)
      await connected.command('ACL', 'SETUSER', 'default', `+${command}`)
      expect(begun).toMatchObject(needed)
    }
    connected.close()
  })
})

describe('a Redis before 7', () => {
  // What a script's error was until then: https://github.com/redis/redis/issues/8623.
  const within = (words: string) =>
    `ERR Error running script (call to f_8426c8df41c64d8177dce3ecbbe9146ef3759cd2): @user_script:6: ${words}`

  it.each([
    ["@user_script: 6: -OOM command not allowed when used memory > 'maxmemory'.", 'storage_full', /maxmemory/],
    ["@user_script: 6: -READONLY You can't write against a read only replica.", 'storage_unavailable', /primary/],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', 'storage_unavailable', /prefix/],
  ])('is understood as well: %s', async (words, code, hint) => {
    const refuse = () => Promise.reject(new Error(within(words)))
    const store = redisIdempotency({ client: { eval: refuse, evalsha: refuse } })
    await expect(store.begin('k', LEASE)).rejects.toMatchObject({ code, hint: expect.stringMatching(hint) })
  })
})

describe('a client that goes on waiting for Redis', () => {
  it('is asked no more once a thousand calls wait in it, until they have ended', async () => {
    const asked: ((answer: unknown) => void)[] = []
    const evalsha = () => new Promise<unknown>((resolve) => asked.push(resolve))
    const store = redisIdempotency({ client: { eval: evalsha, evalsha }, timeoutMs: 10 })
    const begin = (n: number) => Promise.resolve(store.begin(`k${n}`, LEASE)).catch((error) => error)
    for (let n = 0; n < 3; n++) {
      for (const error of await Promise.all(Array.from({ length: 600 }, (_, k) => begin(600 * n + k))))
        expect(error).toEqual(unavailable)
    }
    expect(asked.length).toBe(1_200)
    for (const answer of asked.splice(0)) answer(['in_progress', '1'])
    await sleep(1)
    const again = begin(0)
    asked[0]?.(['completed'])
    expect(await again).toEqual({ state: 'completed' })
  })
})

describe.skipIf(!shared).each(Object.entries(libraries))('any server, by %s', (_name, connect) => {
  const { url = '' } = shared ?? {}

  it('holds no key without an end', async () => {
    const connected = await connect(url)
    const prefix = freshPrefix()
    const store = redisIdempotency({ client: connected.client, prefix })
    const left = async () => Number(await connected.command('PTTL', `${prefix}k`))
    const lease = leaseOf(await store.begin('k', { leaseMs: 5_000 }))
    expect(await left()).toBeGreaterThan(5_000)
    await store.extend(lease, 10_000)
    expect(await left()).toBeGreaterThan(10_000)
    await store.abandon(lease)
    expect(await left()).toBeGreaterThan(0)
    await store.complete(leaseOf(await store.begin('k', LEASE)), { keepMs: 30_000 })
    expect(await left()).toBeLessThanOrEqual(30_000)
    expect(await left()).toBeGreaterThan(0)
    await store.complete(leaseOf(await store.begin('for ever', LEASE)), { keepMs: Number.POSITIVE_INFINITY })
    expect(await store.begin('for ever', LEASE)).toEqual({ state: 'completed' })
    await store.begin('no time', { leaseMs: Number.NaN })
    expect(Number(await connected.command('PTTL', `${prefix}no time`))).toBeGreaterThan(0)
    await clear(connected, prefix)
    connected.close()
  })

  it('gives a call whose answer was lost the same answer again', async () => {
    const connected = await connect(url)
    const prefix = freshPrefix()
    const twice = new Proxy(connected.client, {
      get(target, name) {
        const method = Reflect.get(target, name) as (...values: unknown[]) => Promise<unknown>
        if (typeof method !== 'function') return method
        return async (...values: unknown[]) => {
          await method.apply(target, values)
          return method.apply(target, values)
        }
      },
    })
    const store = redisIdempotency({ client: twice, prefix })
    const lease = leaseOf(await store.begin('k', LEASE))
    expect([lease.attempt, lease.claims]).toEqual([1, 1])
    expect(await store.extend(lease, 60_000)).toBe('applied')
    expect(await store.complete(lease, { keepMs: 60_000 })).toBe('applied')
    await clear(connected, prefix)
    connected.close()
  })

  it('errors say what to do, and hold neither key nor command', async () => {
    const connected = await connect(url)
    const prefix = freshPrefix()
    const store = redisIdempotency({ client: connected.client, prefix })
    await connected.command('SET', `${prefix}a secret`, 'x')
    const error = await Promise.resolve(store.begin('a secret', LEASE)).catch((reason: unknown) => reason)
    expect(error).toMatchObject({
      code: 'storage_unavailable',
      message: 'Redis refused: WRONGTYPE',
      hint: expect.stringContaining('prefix'),
    })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/a secret|redis\.call/)
    await clear(connected, prefix)
    connected.close()
  })

  it('a closed client or store is said to be closed', async () => {
    const connected = await connect(url)
    const store = redisIdempotency({ client: connected.client, prefix: freshPrefix() })
    const closed = redisIdempotency({ client: connected.client, prefix: freshPrefix() })
    await closed.close()
    await expect(closed.begin('k', LEASE)).rejects.toMatchObject({ code: 'storage_closed' })
    connected.close()
    await expect(store.begin('k', LEASE)).rejects.toMatchObject({ code: 'storage_closed', hint: expect.any(String) })
  })

  it('a killed process loses its claim at the end of the lease, and not before', { timeout: 60_000 }, async () => {
    const connected = await connect(url)
    const prefix = freshPrefix()
    const store = redisIdempotency({ client: connected.client, prefix, timeoutMs: 20_000 })
    const script = await compiledScript(new URL('./children/claim.ts', import.meta.url))
    const child = spawn(process.execPath, [script, url, prefix, 'k', '3000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    child.kill('SIGKILL')
    expect(String(line).trim()).toBe('claimed')
    const begun = await store.begin('k', LEASE)
    // Where the machine was that slow, the lease is over.
    if (begun.state === 'in_progress') {
      expect(begun.retryInMs).toBeLessThanOrEqual(3_000)
      await sleep(begun.retryInMs + 50)
    }
    const lease = begun.state === 'claimed' ? begun.lease : leaseOf(await store.begin('k', LEASE))
    expect([lease.attempt, lease.claims]).toEqual([1, 2])
    await clear(connected, prefix)
    connected.close()
  })
})

describe('other clients', () => {
  it.skipIf(!shared)('a pool of node-redis works as a client does', async () => {
    const pool = createClientPool({ url: shared?.url ?? '' })
    await pool.connect()
    const prefix = freshPrefix()
    await tour(redisIdempotency({ client: pool, prefix }), 'k')
    pool.destroy()
    const connected = await (libraries.ioredis as NonNullable<typeof libraries.ioredis>)(shared?.url ?? '')
    await clear(connected, prefix)
    connected.close()
  })

  it('a client of node-redis that was not connected is said to be so', async () => {
    const store = redisIdempotency({ client: createClient() })
    await expect(store.begin('k', LEASE)).rejects.toMatchObject({
      code: 'storage_closed',
      hint: expect.stringContaining('connect()'),
    })
  })

  it('what is no client is refused', () => {
    for (const client of [undefined, null, {}, { eval: () => {} }, 'redis://localhost'])
      expect(() => redisIdempotency({ client: client as unknown as RedisClient })).toThrow(
        expect.objectContaining({ code: 'option_invalid', hint: expect.stringContaining('new Redis') }),
      )
  })

  it.skipIf(!shared)('takes no part in a transaction, and says so', async () => {
    const client = new Redis(shared?.url ?? '')
    const store = redisIdempotency({ client, prefix: freshPrefix() })
    const unsupported = { code: 'tx_unsupported', hint: expect.stringContaining('postgresInbox') }
    await expect(store.begin('k', { ...LEASE, tx: {} })).rejects.toMatchObject(unsupported)
    await expect(store.complete({ key: 'k', token: 'x' }, { keepMs: 1, tx: {} })).rejects.toMatchObject(unsupported)
    client.disconnect()
  })

  it.skipIf(!own)('a cluster works by either library: every call is on one key', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hooks-redis-cluster-'))
    const port = await freePort()
    const args = [
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
      '--cluster-enabled',
      'yes',
      '--cluster-announce-ip',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
    ]
    const server = spawn(own?.from ?? '', args, { stdio: 'ignore' })
    try {
      const node = new Redis(port, { retryStrategy: () => 50 })
      node.on('error', () => {})
      await node.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
      await expect.poll(() => node.call('CLUSTER', 'INFO'), { timeout: 20_000 }).toContain('cluster_state:ok')
      node.disconnect()

      const ioredis = new Cluster([{ host: '127.0.0.1', port }])
      const first = redisIdempotency({ client: ioredis, timeoutMs: 20_000 })
      for (let i = 0; i < 20; i++) await tour(first, `i${i}`)
      ioredis.disconnect()

      const nodeRedis = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }] })
      nodeRedis.on('error', () => {})
      await nodeRedis.connect()
      const second = redisIdempotency({ client: nodeRedis, timeoutMs: 20_000 })
      for (let i = 0; i < 20; i++) await tour(second, `n${i}`)
      nodeRedis.destroy()
    } finally {
      server.kill('SIGKILL')
      await once(server, 'exit')
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  // The bus of a cluster has the port ten thousand above.
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    server.close()
    await once(server, 'close')
    if (port < 55_000) return port
  }
}
