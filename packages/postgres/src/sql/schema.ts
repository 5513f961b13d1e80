import type { Migration } from '@hooks/core'
import { CLAIM_FUNCTION } from './claim.ts'
import { ENDPOINTS_FUNCTION } from './endpoints.ts'
import { EXPAND_FUNCTION, MARKED_FUNCTION } from './expand.ts'
import { SETTLE_FUNCTION } from './settle.ts'

/**
 * The tables, step by step. Every statement of this package is written with the default schema `hooks`, and gets the
 * chosen one when it is run.
 *
 * - `message` is what was sent, `payload` its data, `outbox` the mark of one that is not matched yet.
 * - A delivery is a row of `open` while it is open, and of `ended` afterwards: claiming never meets one that has ended.
 *   `attempt` is the log of both, but for the attempt by which a delivery ended: that is in its row of `ended`. Most have no
 *   other, and so are one row.
 * - Of what is `open` with an ordering key, all but the first of an endpoint and key `waits`: until its wait is over, or for
 *   ever, which is a due time of infinity.
 * - `lane` is the schedule of one endpoint, and counts its open rows: whoever changes those has the lane's row locked,
 *   and writes to it. `ready_at` is null where nothing can be claimed. `waiting_from` and `claimed_from` are no later than
 *   the first due time of what waits and of what is leased, so that a scan begins behind what is gone, and `leased_from`
 *   no later than the first end of a lease; `free_at` is
 *   the time from which its rate lets one more start; `rev` changes with every change of the lane or of its rows.
 *   It is in the key, so that the newest version is found first. That an endpoint has one lane is kept by the endpoint's key:
 *   both are made by one statement.
 * - A claim changes no column of `open` that an index has: the row keeps its due time while it is leased, so that nothing is
 *   written but the row itself.
 * - `job` is work in steps. Its `due_at` is null once it has ended.
 *
 * `message`, `payload`, `ended` and `attempt` are partitioned by the week in which the id was made, which the id tells.
 * What has no partition of its own is in the one named `rest`.
 */
export const STORAGE_MIGRATIONS: readonly Migration[] = [
  {
    id: 1,
    phase: 'expand',
    sql: [
      `create table hooks.message (
        week int not null,
        id text collate "C" not null,
        tenant text collate "C" not null,
        type text not null,
        occurred_at timestamptz not null,
        created_at timestamptz not null,
        idempotency_key text,
        channels text,
        endpoints text,
        ordering_key text,
        primary key (tenant, id, week)
      ) partition by list (week)`,
      `create table hooks.message_rest partition of hooks.message default`,
      `create index message_created on hooks.message using brin (created_at)`,
      `create table hooks.payload (
        week int not null,
        id text collate "C" not null,
        created_at timestamptz not null,
        data text not null,
        primary key (id, week)
      ) partition by list (week)`,
      `create table hooks.payload_rest partition of hooks.payload default`,
      `create index payload_created on hooks.payload using brin (created_at)`,
      `create table hooks.outbox (
        id text collate "C" primary key,
        week int not null,
        tenant text collate "C" not null,
        type text not null,
        occurred_at timestamptz not null,
        due_at timestamptz not null,
        ordering_key text collate "C",
        ordering_wait_ms float8,
        ordering_seq bigint
      )`,
      `create index outbox_due on hooks.outbox (due_at, id)`,
      `create index outbox_order on hooks.outbox (tenant, ordering_key, ordering_seq) where ordering_key is not null`,
      `create sequence hooks.ordering`,
      `create table hooks.idempotency (
        tenant text collate "C" not null,
        key text collate "C" not null,
        message_id text collate "C" not null,
        digest bytea not null,
        expires_at timestamptz not null,
        primary key (tenant, key)
      )`,
      `create index idempotency_expiry on hooks.idempotency (expires_at)`,
      `create index idempotency_message on hooks.idempotency (message_id)`,

      `create table hooks.tenant (
        tenant text collate "C" primary key,
        endpoints int not null
      )`,
      `create table hooks.endpoint (
        id text collate "C" primary key,
        tenant text collate "C" not null,
        url text not null,
        filters text,
        channels text,
        state text not null,
        reason text,
        name text,
        metadata text not null,
        secrets text not null,
        settings text not null,
        rev int not null,
        created_at timestamptz not null,
        updated_at timestamptz not null
      )`,
      `create index endpoint_tenant on hooks.endpoint (tenant, id)`,
      `create table hooks.lane (
        endpoint_id text collate "C" not null,
        tenant text collate "C" not null,
        failing boolean not null default false,
        probing boolean not null default false,
        paused boolean not null default false,
        held_until timestamptz not null default '-infinity',
        cap int,
        concurrency int,
        per_second float8,
        free_at timestamptz not null default '-infinity',
        failures int not null default 0,
        exhausted int not null default 0,
        first_failure_at timestamptz,
        last_failure_at timestamptz,
        warned int not null default 0,
        open int not null default 0,
        leased int not null default 0,
        is_full boolean not null default false,
        waiting_from timestamptz not null default 'infinity',
        leased_from timestamptz not null default 'infinity',
        claimed_from timestamptz not null default 'infinity',
        ready_at timestamptz,
        turn int not null default 0,
        rev bigint not null default 0,
        primary key (endpoint_id, rev)
      ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0)`,
      `create index lane_ready on hooks.lane (failing, ready_at, turn) where ready_at is not null`,

      `create table hooks.open (
        id text collate "C" primary key,
        week int not null,
        tenant text collate "C" not null,
        endpoint_id text collate "C" not null,
        message_id text collate "C" not null,
        message_week int not null,
        type text not null,
        occurred_at timestamptz not null,
        created_at timestamptz not null,
        variant text,
        ordering_key text collate "C",
        ordering_wait_ms float8,
        ordering_seq bigint,
        since timestamptz not null,
        due_at timestamptz not null,
        attempts int not null default 0,
        step int not null default 0,
        manual boolean not null default false,
        waits boolean not null default false,
        leased boolean not null default false,
        leased_until timestamptz,
        claimed_at timestamptz,
        claims int not null default 0,
        token text,
        worker text
      ) with (
        fillfactor = 70,
        autovacuum_vacuum_scale_factor = 0.02,
        autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0
      )`,
      // Before the others: where all cost the same, the first is used.
      `create index open_order on hooks.open (endpoint_id, ordering_key, waits, ordering_seq)
        where ordering_key is not null`,
      `create index open_due on hooks.open (endpoint_id, due_at, id)`,
      `create index open_tenant on hooks.open (tenant, id)`,
      `create index open_message on hooks.open (message_id)`,
      `create table hooks.ended (
        week int not null,
        id text collate "C" not null,
        tenant text collate "C" not null,
        endpoint_id text collate "C" not null,
        message_id text collate "C" not null,
        message_week int not null,
        type text not null,
        state text not null,
        reason text,
        attempts int not null,
        created_at timestamptz not null,
        finished_at timestamptz not null,
        variant text,
        last_at timestamptz,
        last_ms int,
        last_status int,
        last_error text,
        last_detail text,
        last_response text,
        last_response_headers text,
        last_manual boolean,
        primary key (tenant, id, week)
      ) partition by list (week)`,
      `create table hooks.ended_rest partition of hooks.ended default`,
      `create index ended_endpoint on hooks.ended (endpoint_id, id)`,
      `create index ended_message on hooks.ended (message_id)`,
      `create index ended_finished on hooks.ended using brin (finished_at)`,
      `create table hooks.attempt (
        week int not null,
        delivery_id text collate "C" not null,
        n int not null,
        at timestamptz not null,
        ms int not null,
        status int,
        error text,
        detail text,
        response text,
        response_headers text,
        manual boolean not null,
        logged_at timestamptz not null
      ) partition by list (week)`,
      `create table hooks.attempt_rest partition of hooks.attempt default`,
      // It has no key: where all tables are published, none could be deleted otherwise. Its partitions do not inherit it.
      `alter table hooks.attempt_rest replica identity full`,
      `create index attempt_delivery on hooks.attempt (delivery_id, logged_at)`,

      `create table hooks.job (
        id text collate "C" primary key,
        tenant text collate "C" not null,
        kind text not null,
        params text not null,
        state text not null,
        reason text,
        cursor text,
        progress text not null,
        due_at timestamptz,
        token text,
        worker text,
        claims int not null default 0,
        attempts int not null default 0,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        finished_at timestamptz
      )`,
      `create index job_tenant on hooks.job (tenant, id)`,
      `create index job_due on hooks.job (due_at, id) where due_at is not null`,
      `create index job_finished on hooks.job (finished_at) where finished_at is not null`,

      ENDPOINTS_FUNCTION,
      MARKED_FUNCTION,
      EXPAND_FUNCTION,
      CLAIM_FUNCTION,
      SETTLE_FUNCTION,
    ],
  },
]

/** How many weeks ahead partitions are made. */
export const WEEKS_AHEAD = 26
/** With fewer weeks than this ahead, there is a warning. */
export const FEWEST_WEEKS = 4

/** What is partitioned. */
export const PARTITIONED = ['message', 'payload', 'ended', 'attempt'] as const

/**
 * Makes the partitions that are missing, from last week on. What was written meanwhile and had none is moved into its own.
 */
export const MAKE_PARTITIONS = `do $partitions$
declare
  this_week int := floor(extract(epoch from statement_timestamp()) / 604800);
  parent text;
  part text;
begin
  -- One after the other; what another has made meanwhile is then seen in the catalog, and not by to_regclass.
  perform pg_advisory_xact_lock(hashtext('hooks'), hashtext('hooks.migrate'));
  foreach parent in array array['${PARTITIONED.join("', '")}'] loop
    for week in this_week - 1 .. this_week + ${WEEKS_AHEAD} loop
      part := parent || '_w' || week;
      continue when exists (
        select 1 from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'hooks' and c.relname = part);
      execute format('create table %I.%I (like %I.%I including all)', 'hooks', part, 'hooks', parent);
      if parent = 'attempt' then execute format('alter table %I.%I replica identity full', 'hooks', part); end if;
      execute format(
        'with moved as (delete from %I.%I where week = %s returning *) insert into %I.%I select * from moved',
        'hooks', parent || '_rest', week, 'hooks', part);
      execute format('alter table %I.%I attach partition %I.%I for values in (%s)', 'hooks', parent, 'hooks', part, week);
    end loop;
  end loop;
end $partitions$`

/** The weeks from now that there should be, and whether they are there. */
const WEEKS = `
  select n, to_regclass(format('%I.%I', 'hooks', 'attempt_w' || (floor(extract(epoch from statement_timestamp()) / 604800)::int + n))) is not null as isthere
  from generate_series(-1, ${WEEKS_AHEAD}) n`

/** How many weeks ahead have partitions, how many are missing, whether this role may make and drop them, and the time in ms. */
export const READ_PARTITIONS = `
  select
    (select count(*) filter (where n > 0) from (${WEEKS}) weeks where isthere)::int as ahead,
    (select count(*) from (${WEEKS}) weeks where not isthere)::int as missing,
    (has_schema_privilege('hooks', 'create')
      and (select pg_has_role(relowner, 'usage') from pg_class where oid = to_regclass('hooks.attempt')))::int as may,
    floor(extract(epoch from statement_timestamp()) * 1000)::bigint as now`

/**
 * Of which weeks what may go: payloads of those up to $1, history and messages of those up to $2, where there are partitions
 * of them and nothing in these is still of use, after $3 and $4 (ms). A message is for as long as its payload.
 */
export const OLD_WEEKS = `
  with open_weeks as (select distinct week, message_week from hooks.open),
  -- What is to be sent later has a mark for as long.
  awaited as (select message_week as week from open_weeks union all select week from hooks.outbox),
  made as (
    select week, bool_or(name = 'payload') as stored, bool_or(name in ('ended', 'attempt')) as recorded,
      bool_or(name = 'message') as listed
    from (
      select substring(c.relname from '^([a-z]+)_w') as name, substring(c.relname from '_w([0-9]+)$')::int as week
      from pg_inherits i
      join pg_class c on c.oid = i.inhrelid
      where i.inhparent in (${PARTITIONED.map((name) => `to_regclass('hooks.${name}')`).join(', ')}) and c.relname ~ '_w[0-9]+$'
    ) c
    where week <= greatest($1::text::int, $2::text::int)
    group by week
  ),
  free as (
    select m.*,
      m.stored and m.week <= $1::text::int and m.week not in (select week from awaited)
        and not exists (
          select 1 from hooks.payload p where p.week = m.week and p.created_at >= to_timestamp($3::text::float8 / 1000)) as payload,
      m.recorded and m.week <= $2::text::int and m.week not in (select week from awaited)
        and m.week not in (select week from open_weeks)
        and not exists (
          select 1 from hooks.ended d where d.week = m.week and d.finished_at >= to_timestamp($4::text::float8 / 1000)) as history
    from made m
  ),
  old as (
    select f.*,
      f.listed and f.week <= $2::text::int and f.week not in (select week from awaited)
        and (f.payload or not f.stored) and (f.history or not f.recorded) as message
    from free f
  )
  select week, payload::int as payload, history::int as history, message::int as message
  from old
  where payload or history or message
  order by week
  limit 10`

/** Drops a partition. */
export const dropWeek = (week: number, parent: (typeof PARTITIONED)[number]): string => `do $drop$
begin
  drop table if exists hooks.${parent}_w${week};
end $drop$`
