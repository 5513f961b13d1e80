import type { Ledger } from './ledger.ts'

/**
 * One table for both kinds of row: keys that a foreground handler claimed, and requests that were accepted.
 *
 * `state` is `begun` (claimed in the foreground), `free` (given up again), `accepted` (waits, or is held where it has a
 * token), `done` or `dead`. `until_at` is the end of the lease or of the retention; of what waits, when it is due. `seq`
 * is the order of accepting, and of the dead that of dying. A request's columns are null once it is done.
 */
export const INBOX_LEDGER: Ledger = {
  migrations: [
    {
      id: 1,
      phase: 'expand',
      sql: [
        `create table hooks_inbox_meta (
          id integer primary key check (id = 1),
          version integer not null,
          least_client integer not null,
          installation text not null
        ) strict`,
        `create table hooks_inbox (
          seq integer primary key,
          key text not null unique,
          state text not null,
          token text,
          until_at integer not null,
          attempt integer not null,
          claims integer not null,
          done_at integer,
          keep_ms integer,
          reason text,
          worker text,
          method text,
          url text,
          headers text,
          body blob,
          key_id text,
          receiver text,
          received_at integer
        ) strict`,
        `create index hooks_inbox_due on hooks_inbox (receiver, until_at, seq) where state = 'accepted'`,
        `create index hooks_inbox_over on hooks_inbox (until_at) where state <> 'accepted'`,
        `create index hooks_inbox_dead on hooks_inbox (receiver, seq) where state = 'dead'`,
        `insert into hooks_inbox_meta (id, version, least_client, installation) values (1, 1, 1, lower(hex(randomblob(16))))`,
      ],
    },
  ],
  version: 1,
  hasMeta: `select 1 from sqlite_master where type = 'table' and name = 'hooks_inbox_meta'`,
  readMeta: `select version, least_client, installation from hooks_inbox_meta where id = 1`,
}

/** Of a row that another beginning makes new. */
const NOTHING_KEPT = `done_at = null, reason = null, worker = null`
const NO_REQUEST = `method = null, url = null, headers = null, body = null, key_id = null, receiver = null, received_at = null`
const NEXT_SEQ = `(select max(seq) + 1 from hooks_inbox)`
/** The last time that there is, as in time.ts. */
const FOREVER = `8640000000000000`

/** Claims a key, in one statement. No row comes back where it is known: {@link FIND_KEY} says how. */
export const BEGIN = `
  insert into hooks_inbox (key, state, token, until_at, attempt, claims) values (?, 'begun', ?, ?, 1, 1)
  on conflict (key) do update set
    state = 'begun', token = excluded.token, until_at = excluded.until_at,
    attempt = iif(state in ('begun', 'free'), attempt, 1),
    claims = iif(state in ('begun', 'free'), claims, 0) + 1,
    keep_ms = null, ${NOTHING_KEPT}, ${NO_REQUEST}
  where state <> 'accepted' and until_at <= ?
  returning attempt, claims`

/** Keeps a request, in one statement. No row comes back where its key is known: {@link FIND_KEY} says how. */
export const ACCEPT = `
  insert into hooks_inbox (key, state, until_at, attempt, claims, keep_ms, method, url, headers, body, key_id, receiver, received_at)
  values (?, 'accepted', ?, 1, 0, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (key) do update set
    seq = ${NEXT_SEQ}, state = 'accepted', token = null, until_at = excluded.until_at, attempt = 1, claims = 0,
    keep_ms = excluded.keep_ms, ${NOTHING_KEPT}, method = excluded.method, url = excluded.url,
    headers = excluded.headers, body = excluded.body, key_id = excluded.key_id, receiver = excluded.receiver, received_at = excluded.received_at
  where state <> 'accepted' and until_at <= ?
  returning 1 as accepted`

export const FIND_KEY = `select state, until_at from hooks_inbox where key = ?`

export const COMPLETE = `
  update hooks_inbox set state = 'done', done_at = ?, until_at = ?
  where key = ? and token = ? and (state = 'begun' or (state = 'done' and until_at > ?))`

export const ABANDON = `
  update hooks_inbox set state = 'free', token = null, until_at = ?, attempt = attempt + 1, claims = 0
  where key = ? and token = ? and state = 'begun'`

export const EXTEND = `update hooks_inbox set until_at = ? where key = ? and token = ? and state = 'begun'`

export const COMPLETED_WITHIN = `
  select 1 from hooks_inbox where key = ? and state = 'done' and until_at > ? and done_at > ?`

export const DUE = `
  select * from hooks_inbox where state = 'accepted' and receiver = ? and until_at <= ? order by until_at, seq limit ?`

export const LEASE = `
  update hooks_inbox set token = ?, until_at = ?, worker = ?, claims = claims + 1
  where seq in (select value from json_each(?))`

/** Whoever says it, and whatever the row has come to. */
export const SETTLE_COMPLETED = `
  update hooks_inbox set
    state = 'done', token = null, done_at = ?, until_at = min(? + keep_ms, ${FOREVER}), reason = null, ${NO_REQUEST}
  where key = ? and (state = 'accepted' or (state = 'dead' and until_at > ?))`

export const SETTLE_RETRY = `
  update hooks_inbox set token = null, until_at = ?, attempt = attempt + 1, claims = 0
  where key = ? and token = ? and state = 'accepted'`

export const SETTLE_DEAD = `
  update hooks_inbox set
    seq = ${NEXT_SEQ}, state = 'dead', token = null, until_at = min(? + keep_ms, ${FOREVER}), reason = ?
  where key = ? and token = ? and state = 'accepted'`

export const RELEASE = `
  update hooks_inbox set token = null, until_at = ?, claims = claims - 1
  where key = ? and token = ? and state = 'accepted'`

export const NEXT_DUE = `select min(until_at) as due_at from hooks_inbox where state = 'accepted' and receiver = ?`

export const DEAD = `
  select * from hooks_inbox where state = 'dead' and receiver = ? and seq > ? and until_at > ? order by seq limit ?`

export const RETRY_DEAD = `
  update hooks_inbox set
    seq = ${NEXT_SEQ}, state = 'accepted', until_at = ?, attempt = 1, claims = 0, reason = null
  where key = ? and state = 'dead' and until_at > ?`

/** What is over; of what was never completed, what has been over for long. */
export const OVER = `
  select seq from hooks_inbox
  where state <> 'accepted' and until_at <= ? and (state in ('done', 'dead') or until_at <= ?)
  order by until_at limit ?`

export const FORGET = `delete from hooks_inbox where seq = ?`
