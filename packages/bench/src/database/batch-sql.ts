import type { Pool } from 'pg'
import { Agent } from 'undici'
import { data, post } from '../request.ts'
import type { Contender } from '../rounds.ts'

const SCHEMA = `
  create schema if not exists batch;
  create table if not exists batch.job (
    id bigint generated always as identity primary key, url text not null, body text not null,
    due_at timestamptz not null default now(), attempts int not null default 0);
  create index if not exists job_due on batch.job (due_at);
  create table if not exists batch.attempt (job_id bigint not null, at timestamptz not null default now(), status int, ms int)`
const CLAIM = `
  with due as (select id from batch.job where due_at <= now() order by due_at limit $1 for update skip locked)
  update batch.job j set due_at = now() + interval '60 s', attempts = attempts + 1
  from due where j.id = due.id returning j.id, j.url, j.body`
const SETTLE = `
  with done as (select * from unnest($1::bigint[], $2::int[], $3::int[]) as d (id, status, ms)),
  gone as (delete from batch.job j using done d where j.id = d.id)
  insert into batch.attempt (job_id, status, ms) select id, status, ms from done`

/** What somebody writes who knows PostgreSQL: claims and settles in batches, with a log of attempts, and nothing more. */
export function batchSql(pool: Pool, urls: readonly string[], count: number, inFlight: number): Contender {
  const LOOPS = 4
  return {
    name: 'hand-written batch SQL + undici',
    async prepare() {
      await pool.query(SCHEMA)
      await pool.query('truncate batch.job, batch.attempt')
      await pool.query(
        `insert into batch.job (url, body) select ($1::text[])[1 + i % $2], $3 from generate_series(1, $4) i`,
        [urls, urls.length, JSON.stringify(data), count],
      )
      await pool.query('analyze batch.job')
    },
    async run() {
      const agent = new Agent({ connections: null, pipelining: 1 })
      const loop = async () => {
        for (;;) {
          const { rows } = await pool.query<{ id: string; url: string; body: string }>(CLAIM, [inFlight / LOOPS])
          if (rows.length === 0) break
          const ends = await Promise.all(
            rows.map(async ({ url, body }) => {
              const from = performance.now()
              const status = await post(url, JSON.parse(body), agent)
              return { status, ms: Math.round(performance.now() - from) }
            }),
          )
          await pool.query(SETTLE, [
            rows.map(({ id }) => id),
            ends.map(({ status }) => status),
            ends.map(({ ms }) => ms),
          ])
        }
      }
      await Promise.all(Array.from({ length: LOOPS }, loop))
      await agent.close()
      return count
    },
  }
}
