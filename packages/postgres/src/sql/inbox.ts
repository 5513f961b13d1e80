import type { Migration } from '@hooks/core'
import { after, epoch, list, listOnce, NOW, noIndex } from './fragments.ts'

/**
 * One table for both kinds of row: keys that a foreground handler claimed, and requests that were accepted.
 *
 * `state` is `begun` (claimed in the foreground), `free` (given up again), `accepted` (waits, or is held where it has a
 * token), `done` or `dead`. `until_at` is the end of the lease or of the retention; of what waits, when it is due. `seq`
 * is the order of accepting, and of the dead that of dying. A request's columns are null once it is done.
 *
 * Nobody waits for a row that a transaction of a host holds. Whoever adds a key takes the advisory lock of its hash for the
 * transaction, or leaves it at that; whoever changes a row skips it where it is locked.
 */
export const INBOX_MIGRATIONS: readonly Migration[] = [
  {
    id: 1,
    phase: 'expand',
    sql: [
      `create sequence hooks.inbox_seq`,
      `create table hooks.inbox (
        key text collate "C" primary key,
        seq bigint not null default nextval('hooks.inbox_seq'),
        state text not null,
        token text,
        until_at timestamptz not null,
        attempt int not null,
        claims int not null,
        done_at timestamptz,
        keep_ms float8,
        reason text,
        worker text,
        method text,
        url text,
        headers text,
        body bytea,
        key_id text,
        receiver text,
        received_at timestamptz
      )`,
      `create index inbox_due on hooks.inbox (receiver, until_at, seq) where state = 'accepted'`,
      `create index inbox_over on hooks.inbox (until_at) where state <> 'accepted'`,
      `create index inbox_dead on hooks.inbox (receiver, seq) where state = 'dead'`,
    ],
  },
]

/** What a statement brings along of the ledger; the last two parameters are our version and the installation or null. */
const meta = (version: string, installation: string) => `
  meta as (select version, least_client, installation from hooks.meta where component = 'inbox'),
  fits as (
    select 1 as one from meta
    where version >= ${version}::text::int and least_client <= ${version}::text::int
      and (${installation}::text is null or installation = ${installation}::text))`

const META_COLUMNS = `m.version, m.least_client as least, m.installation`

/** Nothing is added by who has not the lock of the key: another has added it, and its transaction is not over. */
const GATE = `
  gate as materialized (
    select pg_try_advisory_xact_lock(hashtextextended('hooks.inbox:' || $1::text, 0)) as free from fits
  )`

/** The row of the key that may begin anew: its time is over, and nobody has it locked. */
const RENEWABLE = `
  renewable as materialized (
    select i.key from hooks.inbox i
    where i.key = $1::text and i.state <> 'accepted' and i.until_at <= ${NOW} and exists (select 1 from gate where free)
    for update skip locked
  )`

/** The key as the statement found it. */
const KNOWN = `
  known as (
    select state, greatest(0, ceil(extract(epoch from until_at - ${NOW}) * 1000)) as leftms
    from hooks.inbox
    where key = $1::text and (state = 'accepted' or until_at > ${NOW})
  )`

const NO_REQUEST = `method = null, url = null, headers = null, body = null, key_id = null, receiver = null, received_at = null`
const LEASE_END = after('$3::text::float8')

/** $1 key, $2 token, $3 lease, $4 version, $5 installation. */
export const BEGIN = `
  with ${meta('$4', '$5')}, ${GATE}, ${RENEWABLE}, ${KNOWN},
  renewed as (
    update hooks.inbox i set
      state = 'begun', token = $2::text, until_at = ${LEASE_END},
      attempt = case when i.state in ('begun', 'free') then i.attempt else 1 end,
      claims = case when i.state in ('begun', 'free') then i.claims else 0 end + 1,
      done_at = null, keep_ms = null, reason = null, worker = null, ${NO_REQUEST}
    from renewable r where i.key = r.key
    returning i.attempt, i.claims
  ),
  fresh as (
    insert into hooks.inbox (key, state, token, until_at, attempt, claims)
    select $1::text, 'begun', $2::text, ${LEASE_END}, 1, 1 from gate
    where free and not exists (select 1 from hooks.inbox where key = $1::text)
    on conflict (key) do nothing
    returning attempt, claims
  ),
  claimed as (select * from renewed union all select * from fresh)
  select ${META_COLUMNS}, c.attempt, c.claims, k.state, k.leftms
  from meta m left join claimed c on true left join known k on true`

/** $1 key, $2 version, $3 installation, then keep, method, url, headers, body in base64, key id, receiver, received. */
const REQUEST = `
  $5::text, $6::text, $7::text, decode($8::text, 'base64'), $9::text, $10::text, to_timestamp($11::text::float8 / 1000)`

export const ACCEPT = `
  with ${meta('$2', '$3')}, ${GATE}, ${RENEWABLE}, ${KNOWN},
  renewed as (
    update hooks.inbox i set
      seq = nextval('hooks.inbox_seq'), state = 'accepted', token = null, until_at = ${NOW}, attempt = 1, claims = 0,
      done_at = null, reason = null, worker = null, keep_ms = $4::text::float8,
      (method, url, headers, body, key_id, receiver, received_at) = row(${REQUEST})
    from renewable r where i.key = r.key
    returning 1 as one
  ),
  fresh as (
    insert into hooks.inbox (key, state, until_at, attempt, claims, keep_ms, method, url, headers, body, key_id, receiver, received_at)
    select $1::text, 'accepted', ${NOW}, 1, 0, $4::text::float8, ${REQUEST} from gate
    where free and not exists (select 1 from hooks.inbox where key = $1::text)
    on conflict (key) do nothing
    returning 1 as one
  ),
  accepted as (select * from renewed union all select * from fresh)
  select ${META_COLUMNS}, a.one as accepted, k.state
  from meta m left join accepted a on true left join known k on true`

/**
 * A change by the one who holds a key: $1 key, $2 token, $3 version, $4 installation, $5 a time. `seen` without `changed`
 * is a row that another has locked, or has changed a moment ago: ask again.
 */
const change = (holds: string, set: string) => `
  with ${meta('$3', '$4')},
  held as materialized (
    select i.key from hooks.inbox i
    where i.key = $1::text and i.token = $2::text and ${holds} and exists (select 1 from fits)
    for update skip locked
  ),
  changed as (
    update hooks.inbox i set ${set} from held h where i.key = h.key returning 1 as one
  ),
  seen as (
    select 1 as one from hooks.inbox i where i.key = $1::text and i.token = $2::text and ${holds}
  )
  select ${META_COLUMNS}, c.one as changed, s.one as seen
  from meta m left join changed c on true left join seen s on true`

const IN_MS = after('$5::text::float8')

export const COMPLETE = change(
  `(i.state = 'begun' or (i.state = 'done' and i.until_at > ${NOW}))`,
  `state = 'done', done_at = ${NOW}, until_at = ${IN_MS}`,
)
export const EXTEND = change(`i.state = 'begun'`, `until_at = ${IN_MS}`)
/** It has no use for its last parameter. */
export const ABANDON = change(
  `i.state = 'begun' and $5::text is null`,
  `state = 'free', token = null, until_at = ${NOW}, attempt = i.attempt + 1, claims = 0`,
)

/** $1 key, $2 within. */
export const COMPLETED_WITHIN = `
  select 1 as one from hooks.inbox
  where key = $1::text and state = 'done' and until_at > ${NOW}
    and ($2::text::float8 >= 1e14 or done_at > ${NOW} - least($2::text::float8, 1e14) * interval '1 millisecond')`

const REQUEST_COLUMNS = `
  key, token, attempt, claims, reason, method, url, headers, encode(body, 'base64') as body, key_id as keyid, receiver,
  ${epoch('received_at')} as received`

/** $1 limit, $2 token, $3 lease, $4 worker, $5 receiver. */
export const CLAIM = `
  with due as materialized (
    select key, until_at as was from hooks.inbox
    where state = 'accepted' and receiver = $5::text and until_at <= ${NOW}
    order by until_at, seq
    limit $1::text::int
    for update skip locked
  ),
  leased as (
    update hooks.inbox i set token = $2::text, until_at = ${LEASE_END}, worker = $4::text, claims = i.claims + 1
    from due d where i.key = d.key
    returning i.*, d.was
  )
  select ${REQUEST_COLUMNS} from leased order by was, seq`

/** $1 keys, $2 tokens, $3 results, $4 retry times, $5 reasons, no key twice. */
export const SETTLE = `
  with given as materialized (
    select *
    from unnest(${list('$1', 'text')}, ${list('$2', 'text')}, ${list('$3', 'text')}, ${list('$4', 'float8')}, ${list('$5', 'text')})
      with ordinality as g(key, token, result, retry_ms, reason, place)
  ),
  found as materialized (
    select i.key
    from hooks.inbox i join given g on g.key = i.key
    where (g.result = 'completed' and (i.state = 'accepted' or (i.state = 'dead' and i.until_at > ${NOW})))
      or (g.result <> 'completed' and i.state = 'accepted' and i.token = g.token)
    order by i.key
    for update of i
  ),
  settled as (
    update hooks.inbox i set
      seq = case g.result when 'dead' then nextval('hooks.inbox_seq') else i.seq end,
      state = case g.result when 'completed' then 'done' when 'dead' then 'dead' else 'accepted' end,
      token = null,
      until_at = case g.result when 'retry' then ${after('g.retry_ms')} else ${after('i.keep_ms')} end,
      attempt = case g.result when 'retry' then i.attempt + 1 else i.attempt end,
      claims = case g.result when 'retry' then 0 else i.claims end,
      done_at = case g.result when 'completed' then ${NOW} end,
      reason = case g.result when 'dead' then g.reason end,
      method = case g.result when 'completed' then null else i.method end,
      url = case g.result when 'completed' then null else i.url end,
      headers = case g.result when 'completed' then null else i.headers end,
      body = case g.result when 'completed' then null else i.body end,
      key_id = case g.result when 'completed' then null else i.key_id end,
      receiver = case g.result when 'completed' then null else i.receiver end,
      received_at = case g.result when 'completed' then null else i.received_at end
    from given g join found f on f.key = g.key
    where i.key = g.key
    returning g.place
  )
  select (s.place is not null)::int as applied from given g left join settled s on s.place = g.place order by g.place`

/** $1 keys, $2 tokens. */
export const RELEASE = `
  with held as materialized (
    select i.key
    from hooks.inbox i join unnest(${list('$1', 'text')}, ${list('$2', 'text')}) as g(key, token)
      on g.key = i.key and g.token = i.token
    where i.state = 'accepted'
    order by i.key
    for update of i
  ),
  released as (
    update hooks.inbox i set token = null, until_at = ${NOW}, claims = i.claims - 1
    from held h where i.key = h.key
    returning 1
  )
  select count(*)::int as n from released`

/** $1 receiver. */
export const NEXT_DUE = `
  select greatest(0, ceil(extract(epoch from until_at - ${NOW}) * 1000)) as due
  from hooks.inbox where state = 'accepted' and receiver = $1::text
  order by until_at, seq
  limit 1`

/** $1 the last one's place, $2 limit, $3 receiver. */
export const DEAD = `
  select seq as place, ${REQUEST_COLUMNS} from hooks.inbox
  where state = 'dead' and receiver = $3::text and seq > $1::text::bigint and until_at > ${NOW}
  order by seq limit $2::text::int`

/** $1 keys. */
export const RETRY_DEAD = `
  with found as materialized (
    select key from hooks.inbox
    where key = any(${listOnce('$1')}) and ${noIndex(`state = 'dead'`)} and until_at > ${NOW}
    order by key
    for update
  ),
  retried as (
    update hooks.inbox i set
      seq = nextval('hooks.inbox_seq'), state = 'accepted', until_at = ${NOW}, attempt = 1, claims = 0, reason = null
    from found f where i.key = f.key
    returning 1
  )
  select count(*)::int as n from retried`

/** Of what was never completed, what has been over for a day. $1 limit. */
export const PRUNE = `
  with over as materialized (
    select key from hooks.inbox
    where state <> 'accepted' and until_at <= ${NOW}
      and (state in ('done', 'dead') or until_at <= ${NOW} - interval '1 day')
    order by until_at
    limit $1::text::int + 1
    for update skip locked
  ),
  gone as (
    delete from hooks.inbox i using (select key from over limit $1::text::int) o where i.key = o.key
  )
  select count(*) as found from over`
