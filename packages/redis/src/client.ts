/**
 * The part of a client that is used: `eval` and `evalsha` in either library's words. Clients, pools and clusters of
 * ioredis (`Redis`, `Cluster`) and of node-redis (`createClient`, `createClientPool`, `createCluster`) have it.
 */
export type RedisClient = IoredisClient | NodeRedisClient

/** ioredis 5 and newer. */
export interface IoredisClient {
  // biome-ignore lint/suspicious/noExplicitAny: the overloads of the library's own.
  eval(script: string, keys: number, ...values: any[]): Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: the overloads of the library's own.
  evalsha(sha: string, keys: number, ...values: any[]): Promise<unknown>
  readonly status?: unknown
}

/** node-redis 4 and newer. */
export interface NodeRedisClient {
  // biome-ignore lint/suspicious/noExplicitAny: the arguments of the library's own.
  eval(script: string, options: any): Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: the arguments of the library's own.
  evalSha(sha: string, options: any): Promise<unknown>
  readonly isOpen?: unknown
}

/** A script, and the name by which a server knows it once it has run it. */
export interface Script {
  readonly text: string
  readonly sha: string
}

/** @throws TypeError for what is neither library's client */
export function isClient(value: unknown): value is RedisClient {
  const { eval: run, evalsha, evalSha } = (value ?? {}) as Record<string, unknown>
  return typeof run === 'function' && (typeof evalsha === 'function' || typeof evalSha === 'function')
}

/** Whether the host has closed the client, or has not yet connected it. */
export function isClosed(client: RedisClient): boolean {
  return 'evalsha' in client ? client.status === 'end' : client.isOpen === false
}

/** Runs a script on one key: by its name, or, where the server does not know that or has forgotten it, by its text. */
export async function runScript(
  client: RedisClient,
  { text, sha }: Script,
  key: string,
  values: readonly string[],
): Promise<unknown> {
  const named = () =>
    'evalsha' in client
      ? client.evalsha(sha, 1, key, ...values)
      : client.evalSha(sha, { keys: [key], arguments: [...values] })
  const whole = () =>
    'evalsha' in client
      ? client.eval(text, 1, key, ...values)
      : client.eval(text, { keys: [key], arguments: [...values] })
  try {
    return await named()
  } catch (error) {
    if (!/^NOSCRIPT/.test(String((error as Error | undefined)?.message))) throw error
    return whole()
  }
}
