import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import pg from 'pg'
import type { Contender } from '../rounds.ts'

/** As often as that, the backends of the database are looked at: what one has used since is not seen if it ends. */
const LOOK_MS = 100
/** Of a clock tick, as Linux counts processor time. */
const TICK_MS = 10

/**
 * A contender that is measured by the processor time of this process, of PostgreSQL's backends and of Redis, in place of
 * the time that went by: that is the same on a machine that others use too. PostgreSQL has to be on this machine, and this
 * machine a Linux.
 */
export function byProcessorTime(contender: Contender, databaseUrl: string, redisUrl: string | undefined): Contender {
  return {
    ...contender,
    async run() {
      const spy = new pg.Client({ connectionString: databaseUrl })
      await spy.connect()
      const redis = redisUrl === undefined ? undefined : new Redis(redisUrl)
      const before = await ofBackends(spy)
      const seen = new Map(before)
      const look = async () => {
        for (const [pid, ms] of await ofBackends(spy)) seen.set(pid, ms)
      }
      let isOver = false
      const looking = (async () => {
        while (!isOver) {
          await look()
          await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
        }
      })()
      const redisBefore = await ofRedis(redis)
      const own = process.cpuUsage()
      const count = await contender.run()
      const { user, system } = process.cpuUsage(own)
      isOver = true
      await looking
      await look()
      let ms = (user + system) / 1_000 + (await ofRedis(redis)) - redisBefore
      for (const [pid, used] of seen) ms += used - (before.get(pid) ?? 0)
      await spy.end()
      redis?.disconnect()
      return { count: typeof count === 'number' ? count : count.count, ms }
    },
  }
}

async function ofBackends(spy: pg.Client): Promise<Map<number, number>> {
  const { rows } = await spy.query<{ pid: number }>(
    'select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  )
  const used = new Map<number, number>()
  for (const { pid } of rows) {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
      used.set(pid, (Number(fields[11]) + Number(fields[12])) * TICK_MS)
    } catch {
      // It has ended since.
    }
  }
  return used
}

async function ofRedis(redis: Redis | undefined): Promise<number> {
  if (!redis) return 0
  const text = await redis.info('cpu')
  const seconds = (name: string) => Number(new RegExp(`^${name}:(\\S+)`, 'm').exec(text)?.[1] ?? 0)
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1_000
}
