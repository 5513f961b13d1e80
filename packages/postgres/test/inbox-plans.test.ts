import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { postgresInbox } from '../src/index.ts'
import { ACCEPT, BEGIN, CLAIM, COMPLETE, DEAD, NEXT_DUE, PRUNE, SETTLE } from '../src/sql/inbox.ts'
import { server } from './servers.ts'

/** Far more than a search touches, and far less than a walk through the table. */
const MOST_BLOCKS = 400

describe.skipIf(!server)('the cost of an inbox', { timeout: 120_000 }, () => {
  it('does not depend on what waits, is done, is dead or is held', async () => {
    const { url, drop } = await (server as NonNullable<typeof server>).database()
    const pool = new pg.Pool({ connectionString: url, max: 1 })
    pool.on('error', () => {})
    await postgresInbox(pool).schema.migrate()
    await pool.query(`
      insert into hooks.inbox (key, state, token, until_at, attempt, claims, keep_ms, method, url, headers, body, key_id, receiver, received_at)
      select kind || n, split_part(kind, ' ', 1), case when kind = 'accepted held' then 'x' end,
        case when kind in ('accepted due') then now() - n * interval '1 ms' else now() + (1000 + n) * interval '1 s' end,
        1, 0, 1000, 'POST', '/', '[]', 'x', '0', case when n % 10 = 0 then 'ours' else 'others' end, now()
      from generate_series(1, 20000) n, unnest(array['accepted due', 'accepted held', 'done', 'dead', 'begun']) kind`)
    await pool.query('vacuum analyze hooks.inbox')
    const id = ['1', null]
    const request = ['1000', 'POST', '/', '[]', '', '0', 'ours', '0']
    const statements: Readonly<Record<string, readonly [string, readonly (string | null)[]]>> = {
      begin: [BEGIN, ['new', 't', '1000', ...id]],
      'begin of one that is known': [BEGIN, ['done7', 't', '1000', ...id]],
      complete: [COMPLETE, ['new', 't', ...id, '1000']],
      accept: [ACCEPT, ['another', ...id, ...request]],
      claim: [CLAIM, ['10', 't', '1000', 'w', 'ours']],
      settle: [SETTLE, ['{"accepted due20000"}', '{t}', '{completed}', '{NULL}', '{NULL}']],
      'when the next is due': [NEXT_DUE, ['ours']],
      'the dead': [DEAD, ['0', '10', 'ours']],
      prune: [PRUNE, ['10']],
    }
    const costs: Record<string, number> = {}
    for (const [name, [text, values]] of Object.entries(statements)) {
      const { rows } = await pool.query(`explain (analyze, buffers, format json) ${text}`, [...values])
      const plan = rows[0]['QUERY PLAN'][0].Plan
      costs[name] = plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
    }
    expect(Object.entries(costs).filter(([, blocks]) => blocks > MOST_BLOCKS)).toEqual([])
    await pool.end()
    await drop()
  })
})
