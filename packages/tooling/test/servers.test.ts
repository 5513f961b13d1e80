import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { firstWords, freePort, missing, startServer } from '../src/servers/local-server.ts'
import { findNats, findOwnNats } from '../src/servers/nats.ts'
import { findOwnPostgres } from '../src/servers/own-postgres.ts'
import { findOwnRedis, findRedis } from '../src/servers/redis.ts'
import { startRelay } from '../src/servers/relay.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closing.splice(0)) await close()
})

const said = () => vi.spyOn(process.stderr, 'write').mockImplementation(() => true)

describe.each([
  ['Redis', 'HOOKS_TEST_REDIS', 'redis', findRedis, findOwnRedis, 'PING\r\n', /^\+PONG/],
  ['NATS', 'HOOKS_TEST_NATS', 'nats', findNats, findOwnNats, undefined, /^INFO /],
] as const)('%s for tests', (_, variable, scheme, find, findOwn, question, answer) => {
  it('is found, or is said to be missing', { timeout: 60_000 }, async () => {
    const found = await find()
    if (found) expect(await firstWords(found.host, found.port, question)).toMatch(answer)
  })

  it('is not sought elsewhere where a URL names one that does not answer', async () => {
    const write = said()
    vi.stubEnv('CI', '')
    vi.stubEnv(variable, `${scheme}://127.0.0.1:${await freePort()}`)
    expect(await find()).toBeUndefined()
    expect(write.mock.calls.map(([line]) => line)).toEqual([
      expect.stringMatching(new RegExp(`^no .*${variable}.*\n$`)),
    ])
  })

  it('must be there where CI=true', async () => {
    vi.stubEnv('CI', 'true')
    vi.stubEnv(variable, `${scheme}://127.0.0.1:${await freePort()}`)
    await expect(find()).rejects.toThrow(variable)
  })

  it('can be had for one test alone, and killed and started again', { timeout: 60_000 }, async () => {
    const own = await findOwn()
    if (!own) return
    closing.push(() => own.kill())
    expect(await firstWords(own.host, own.port, question)).toMatch(answer)
    await own.kill()
    expect(await firstWords(own.host, own.port, question)).toBeUndefined()
    await own.start()
    expect(await firstWords(own.host, own.port, question)).toMatch(answer)
  })
})

describe('a PostgreSQL for one test alone', () => {
  const rows = async (url: string, text: string) => {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query(text)).rows
    } finally {
      await client.end().catch(() => {})
    }
  }

  it('is killed, stopped and started again with all that it had, and is gone when it is closed', {
    timeout: 120_000,
  }, async () => {
    const own = await findOwnPostgres()
    if (!own) return
    closing.push(() => own.close())
    await rows(own.url, 'create table kept as select 1 as n')
    for (const end of ['kill', 'stop'] as const) {
      await own[end]()
      await expect(rows(own.url, 'select 1')).rejects.toThrow()
      await own.start()
      expect(await rows(own.url, 'select n from kept')).toEqual([{ n: 1 }])
    }
    await own.close()
    await expect(rows(own.url, 'select 1')).rejects.toThrow()
  })

  it('has a standby, which reads what it writes and writes nothing', { timeout: 120_000 }, async () => {
    const own = await findOwnPostgres()
    if (!own) return
    closing.push(() => own.close())
    const standby = await own.standby()
    await rows(own.url, 'create table kept as select 1 as n')
    for (;;) {
      const seen = await rows(standby.url, 'select n from kept').catch(() => [])
      if (seen.length === 1) break
      await sleep(20)
    }
    await expect(rows(standby.url, 'insert into kept values (2)')).rejects.toMatchObject({ code: '25006' })
  })
})

describe('a server that a test starts', () => {
  const listen = `require('node:net').createServer((socket) => socket.end('here')).listen(Number(process.argv[1]), '127.0.0.1')`

  it('ends when the process that started it is killed', { timeout: 60_000 }, async () => {
    const port = await freePort()
    const file = new URL('../src/servers/local-server.ts', import.meta.url).href
    const script = `import { startServer, firstWords } from ${JSON.stringify(file)}
      await startServer(process.execPath, ['-e', ${JSON.stringify(listen)}, '${port}'], async () => (await firstWords('127.0.0.1', ${port})) === 'here')
      console.log('started')
      setInterval(() => {}, 1_000)`
    const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(parent.stdout, 'data')
    expect(await firstWords('127.0.0.1', port)).toBe('here')
    parent.kill('SIGKILL')
    while ((await firstWords('127.0.0.1', port)) !== undefined) await sleep(20)
  })

  it('that ends at once is an error', async () => {
    await expect(startServer(process.execPath, ['-e', ''], async () => false)).rejects.toThrow('ended at once')
    await expect(startServer('/no/such/program', [], async () => false)).rejects.toThrow('ended at once')
  })

  it('that is missing is one line', () => {
    vi.stubEnv('CI', '')
    const write = said()
    expect(missing('no server')).toBeUndefined()
    expect(write.mock.calls).toEqual([['no server\n']])
  })
})

describe('a relay', () => {
  it('carries, breaks, refuses, and carries again', { timeout: 20_000 }, async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (data) => socket.write(`${data}!`))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    closing.push(() => server.close())
    const relay = await startRelay('127.0.0.1', (server.address() as { port: number }).port)
    closing.push(() => relay.close())
    expect(await firstWords('127.0.0.1', relay.port, 'a')).toBe('a!')
    relay.cut()
    expect(await firstWords('127.0.0.1', relay.port, 'b')).toBeUndefined()
    relay.restore()
    expect(await firstWords('127.0.0.1', relay.port, 'c')).toBe('c!')
    relay.stall()
    expect(await firstWords('127.0.0.1', relay.port, 'd')).toBeUndefined()
    relay.restore()
    expect(await firstWords('127.0.0.1', relay.port, 'e')).toBe('e!')
  })
})
