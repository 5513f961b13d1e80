import { HooksError, StorageError } from '@hooks/core'
import { isClosed, type RedisClient } from './client.ts'

/** What Redis says of a command that the user may not run, where a script runs it: until 7.0, and from 7.2. */
const DENIED = /^ERR (?:The user executing the script can't|ACL failure in script)/
/** An error within a script, as Redis before 7 reports it: `ERR Error running script (...): @user_script:6: -OOM ...`. */
const WITHIN_SCRIPT = /^ERR Error running script .*?: -?([A-Z]{3,}) /

/** The first word of a server's error, such as `READONLY`; undefined for an error of the client. */
function replyCode(message: string): string | undefined {
  if (DENIED.test(message)) return 'NOPERM'
  return WITHIN_SCRIPT.exec(message)?.[1] ?? /^[A-Z]{3,}(?= )/.exec(message)?.[0]
}

/**
 * The error that a caller gets for what a client rejected with. Its cause has the message alone: a client's error also
 * holds the command with its arguments.
 */
export function storageError(error: unknown, client: RedisClient): HooksError {
  if (error instanceof HooksError) return error
  const { message, name } = (error ?? {}) as Partial<Error>
  const code = replyCode(String(message))
  const cause = Object.assign(new Error(String(message)), { name: name ?? 'Error' })
  if (code === undefined && isClosed(client)) return closed(cause)
  if (code === 'OOM') {
    return new StorageError('storage_full', 'Redis has reached its maxmemory; nothing was written', {
      hint: 'give it more memory, and keep maxmemory-policy at noeviction: an evicted key is a message handled twice',
      cause,
    })
  }
  return new StorageError('storage_unavailable', code ? `Redis refused: ${code}` : 'Redis was not reached', {
    hint: HINTS[code ?? ''] ?? 'the cause says why; the sender is told to come again, and nothing is lost',
    cause,
  })
}

const HINTS: Readonly<Record<string, string>> = {
  WRONGTYPE: 'something else uses these keys: give the store a prefix of its own',
  NOPERM: 'the user needs the commands eval, evalsha, time, hget, hmget, hset, hdel, hincrby and pexpire on its keys',
  NOAUTH: 'give the client the password',
  WRONGPASS: 'give the client the user name and the password that this Redis knows',
  READONLY: 'connect to the primary: a replica takes no writes',
}

/** The store, or the host's client, was closed. */
export function closed(cause?: unknown): StorageError {
  return new StorageError('storage_closed', 'the Redis client is not connected, or the store was closed', {
    hint: 'a client of node-redis is connected by hand: await client.connect()',
    cause,
  })
}

/** The server was too long about it. What it was asked may still happen. */
export function timedOut(timeoutMs: number): StorageError {
  return new StorageError('storage_unavailable', `Redis did not answer within ${timeoutMs} ms`, {
    hint: 'the sender is told to come again, and nothing is lost; `timeoutMs` is how long is waited',
  })
}
