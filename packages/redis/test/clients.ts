import { Redis } from 'ioredis'
import { createClient } from 'redis'
import type { RedisClient } from '../src/index.ts'

/** A client, and what tests do around a store. */
export interface Connected {
  readonly client: RedisClient
  /** Any command. */
  command(...words: readonly string[]): Promise<unknown>
  close(): void
}

/** A connected client of either library, by name. What it reports while the server is away is no concern of a test. */
export const libraries: Readonly<Record<string, (url: string) => Promise<Connected>>> = {
  ioredis: async (url) => {
    const client = new Redis(url, { retryStrategy: () => 50 })
    client.on('error', () => {})
    await client.ping()
    return {
      client,
      command: (name = '', ...words) => client.call(name, ...words),
      close: () => client.disconnect(),
    }
  },
  'node-redis': async (url) => {
    const client = createClient({ url, socket: { reconnectStrategy: 50 } })
    client.on('error', () => {})
    await client.connect()
    return { client, command: (...words) => client.sendCommand([...words]), close: () => client.destroy() }
  },
}

let prefixes = 0

/** A prefix that nobody else has. */
export const freshPrefix = (): string => `hooks-test:${process.pid}:${Date.now().toString(36)}:${++prefixes}:`

/** The keys under a prefix. */
export async function keysUnder({ command }: Connected, prefix: string): Promise<string[]> {
  const keys: string[] = []
  let cursor = '0'
  do {
    const [next, found] = (await command('SCAN', cursor, 'MATCH', `${prefix}*`, 'COUNT', '1000')) as [string, string[]]
    keys.push(...found)
    cursor = String(next)
  } while (cursor !== '0')
  return keys
}

/** Lets `ms` pass for everything under a prefix: every time that is written there moves back. */
export async function pass(connected: Connected, prefix: string, ms: number): Promise<void> {
  const { command } = connected
  for (const key of await keysUnder(connected, prefix)) {
    for (const field of ['u', 'd'])
      if (await command('HEXISTS', key, field)) await command('HINCRBY', key, field, String(-Math.ceil(ms)))
    const left = Number(await command('PTTL', key))
    if (left >= 0) await command('PEXPIRE', key, String(Math.max(0, left - Math.ceil(ms))))
  }
}

/** Removes what is under a prefix. */
export async function clear(connected: Connected, prefix: string): Promise<void> {
  for (const key of await keysUnder(connected, prefix)) await connected.command('DEL', key)
}
