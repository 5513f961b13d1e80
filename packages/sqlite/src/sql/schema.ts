import type { Migration } from '@hooks/core'
import type { Ledger } from './ledger.ts'

/**
 * The tables, step by step. Every statement of this package is written with the default prefix `hooks_`, and gets the
 * chosen one when it is prepared.
 *
 * Times are milliseconds since 1970, durations milliseconds; lists and records are JSON.
 *
 * - `message` is what was sent, `payload` its data, `outbox` the mark of one that is not matched yet.
 * - `delivery` is one message for one endpoint: a row for all its life. While it is open, it has a row in `open`,
 *   which holds what claiming needs and nothing else; so a claim never meets a delivery that has ended.
 * - `lane` is the schedule of one endpoint. `ready_at` is null where nothing can be claimed: nothing is open, or it is
 *   held until lifted. A hold for a time is a later `ready_at`. So a claim never meets a held lane. `free_at` is the
 *   time from which its rate lets one more start.
 * - Of what is `open` with an `ordering_key`, all but the first of an endpoint and key `waits`: until its wait is over, or
 *   for ever, so that a claim does not meet it.
 * - `job` is work in steps. Its `due_at` is null once it has ended.
 */
export const MIGRATIONS: readonly Migration[] = [
  {
    id: 1,
    phase: 'expand',
    sql: [
      `create table hooks_meta (
        id integer primary key check (id = 1),
        version integer not null,
        least_client integer not null,
        installation text not null
      ) strict`,

      `create table hooks_message (
        seq integer primary key,
        id text not null unique,
        tenant text not null,
        type text not null,
        occurred_at integer not null,
        created_at integer not null,
        idempotency_key text,
        channels text,
        endpoints text
      ) strict`,
      `create index hooks_message_tenant on hooks_message (tenant, id)`,
      `create index hooks_message_created on hooks_message (created_at)`,
      `create table hooks_payload (
        seq integer primary key,
        created_at integer not null,
        data text not null
      ) strict`,
      `create index hooks_payload_created on hooks_payload (created_at)`,
      `create table hooks_outbox (
        seq integer primary key,
        due_at integer not null
      ) strict`,
      `create index hooks_outbox_due on hooks_outbox (due_at, seq)`,
      `create table hooks_idempotency (
        tenant text not null,
        key text not null,
        message_id text not null,
        expires_at integer not null,
        primary key (tenant, key)
      ) strict, without rowid`,
      `create index hooks_idempotency_expiry on hooks_idempotency (expires_at)`,

      `create table hooks_endpoint (
        id text not null primary key,
        tenant text not null,
        url text not null,
        filters text,
        channels text,
        state text not null,
        reason text,
        name text,
        metadata text not null,
        secrets text not null,
        settings text not null,
        rev integer not null,
        created_at integer not null,
        updated_at integer not null
      ) strict`,
      `create index hooks_endpoint_tenant on hooks_endpoint (tenant, id)`,
      `create table hooks_lane (
        endpoint_id text not null primary key,
        failing integer not null default 0,
        held_until integer not null default 0,
        cap integer,
        ready_at integer,
        ready_seq integer not null default 0
      ) strict, without rowid`,
      `create index hooks_lane_ready on hooks_lane (failing, ready_at, ready_seq) where ready_at is not null`,

      `create table hooks_delivery (
        id text not null primary key,
        tenant text not null,
        endpoint_id text not null,
        message_seq integer not null,
        created_at integer not null,
        state text,
        reason text,
        attempts integer not null default 0,
        finished_at integer
      ) strict, without rowid`,
      `create index hooks_delivery_tenant on hooks_delivery (tenant, id)`,
      `create index hooks_delivery_endpoint on hooks_delivery (endpoint_id, id)`,
      `create index hooks_delivery_message on hooks_delivery (message_seq, id)`,
      `create index hooks_delivery_finished on hooks_delivery (finished_at) where finished_at is not null`,
      `create table hooks_open (
        id text not null primary key,
        endpoint_id text not null,
        message_seq integer not null,
        due_at integer not null,
        leased integer not null default 0,
        token text,
        worker text,
        claimed_at integer,
        claims integer not null default 0,
        attempts integer not null default 0,
        step integer not null default 0,
        since integer not null,
        manual integer not null default 0
      ) strict, without rowid`,
      `create index hooks_open_due on hooks_open (endpoint_id, leased, due_at, id)`,
      `create table hooks_attempt (
        seq integer primary key,
        delivery_id text not null,
        n integer not null,
        at integer not null,
        ms integer not null,
        status integer,
        error text,
        detail text,
        response text,
        manual integer not null
      ) strict`,
      `create index hooks_attempt_delivery on hooks_attempt (delivery_id, seq)`,

      `insert into hooks_meta (id, version, least_client, installation) values (1, 1, 1, lower(hex(randomblob(16))))`,
    ],
  },
  {
    id: 2,
    // An older release would end a delivery and leave the next of its order waiting.
    phase: 'contract',
    sql: [
      `alter table hooks_message add column ordering_key text`,
      `alter table hooks_outbox add column tenant text`,
      `alter table hooks_outbox add column ordering_key text`,
      `alter table hooks_outbox add column ordering_wait_ms integer`,
      `create index hooks_outbox_order on hooks_outbox (tenant, ordering_key, seq) where ordering_key is not null`,

      `alter table hooks_lane add column tenant text not null default ''`,
      `alter table hooks_lane add column paused integer not null default 0`,
      `alter table hooks_lane add column probing integer not null default 0`,
      `alter table hooks_lane add column concurrency integer`,
      `alter table hooks_lane add column per_second real`,
      `alter table hooks_lane add column free_at real not null default 0`,
      `alter table hooks_lane add column failures integer not null default 0`,
      `alter table hooks_lane add column exhausted integer not null default 0`,
      `alter table hooks_lane add column first_failure_at integer`,
      `alter table hooks_lane add column last_failure_at integer`,
      `alter table hooks_lane add column warned integer not null default 0`,
      `update hooks_lane set tenant = coalesce((select e.tenant from hooks_endpoint e where e.id = endpoint_id), '')`,

      `alter table hooks_delivery add column variant text`,
      `alter table hooks_attempt add column response_headers text`,
      `alter table hooks_open add column ordering_key text`,
      `alter table hooks_open add column ordering_wait_ms integer`,
      `alter table hooks_open add column waits integer not null default 0`,
      `create index hooks_open_order on hooks_open (endpoint_id, ordering_key, waits, message_seq)
        where ordering_key is not null`,

      `create table hooks_job (
        id text not null primary key,
        tenant text not null,
        kind text not null,
        params text not null,
        state text not null,
        reason text,
        cursor text,
        progress text not null,
        due_at integer,
        token text,
        worker text,
        claims integer not null default 0,
        attempts integer not null default 0,
        created_at integer not null,
        updated_at integer not null,
        finished_at integer
      ) strict, without rowid`,
      `create index hooks_job_tenant on hooks_job (tenant, id)`,
      `create index hooks_job_due on hooks_job (due_at, id) where due_at is not null`,
      `create index hooks_job_finished on hooks_job (finished_at) where finished_at is not null`,

      `update hooks_meta set version = 2, least_client = 2`,
    ],
  },
]

/** The version that this release writes. */
export const VERSION = 2

/** The sender's tables. */
export const STORAGE_LEDGER: Ledger = {
  migrations: MIGRATIONS,
  version: VERSION,
  hasMeta: `select 1 from sqlite_master where type = 'table' and name = 'hooks_meta'`,
  readMeta: `select version, least_client, installation from hooks_meta where id = 1`,
}
