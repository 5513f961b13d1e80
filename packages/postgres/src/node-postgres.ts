import type { Wait } from '@hooks/core'
import type { QueryHandle } from './handle.ts'

/** A statement as node-postgres takes it. One with a name is prepared. */
interface Statement {
  readonly name?: string | undefined
  readonly text: string
  readonly values: readonly (string | null)[]
}

interface PoolClient {
  query(statement: Statement, callback: (error: Error | null | undefined, result: unknown) => void): unknown
  release(error?: Error): void
  once(event: 'error', listener: (error: Error) => void): unknown
  removeListener(event: 'error', listener: (error: Error) => void): unknown
}

/** A pool of node-postgres, as far as it is used. */
interface Pool {
  readonly totalCount: number
  connect(callback: (error: Error | undefined, client: PoolClient) => void): void
}

/** Whether it is a pool or a client of node-postgres. What else has a `query` takes text alone. */
export function isNodePostgres(handle: QueryHandle): boolean {
  const { totalCount, escapeIdentifier } = handle as { totalCount?: unknown; escapeIdentifier?: unknown }
  return typeof totalCount === 'number' || typeof escapeIdentifier === 'function'
}

/** Runs a statement on a pool or a client of node-postgres. */
export function ask(handle: QueryHandle, statement: Statement, wait: Wait | undefined): PromiseLike<unknown> {
  if (wait && isPgPool(handle)) return askPool(handle, statement, wait)
  const { name, text, values } = statement
  return name === undefined ? handle.query(text, values) : handle.query(statement as never)
}

const isPgPool = (handle: object): handle is Pool =>
  'totalCount' in handle && 'connect' in handle && typeof handle.connect === 'function'

/**
 * As `pool.query()` does it, and a connection that has not answered when the `wait` is over is closed, so that the pool
 * takes another in its place. Its own `query_timeout` would do that too. But what of a query is kept in a closure of
 * node-postgres, its timer or its promise, outlives its use, and all rows of the answer with it: a third of the garbage
 * collection of a busy sender. Hence no timer of a query, and callbacks. They are called at once, too: a connection is
 * without a listener until then, and may end with the next message of the packet that made it free.
 */
const askPool = (pool: Pool, statement: Statement, wait: Wait): Promise<unknown> =>
  new Promise((resolve, reject) => {
    pool.connect((failure, client) => {
      if (failure) return reject(failure)
      let isOver = false
      const end = (error: Error | null | undefined, result?: unknown): void => {
        if (isOver) return
        isOver = true
        client.removeListener('error', end)
        client.release(error ?? undefined)
        if (error) reject(error)
        else resolve(result)
      }
      // It may have waited for a connection until nobody waited for it.
      if (wait.isOver) return end(null, [])
      // Without a listener, an error of a connection would end the process.
      client.once('error', end)
      wait.leave = end
      try {
        client.query(statement, end)
      } catch (error) {
        end(error as Error)
      }
    })
  })
