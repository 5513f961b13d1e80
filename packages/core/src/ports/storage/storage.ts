import type { Deliveries } from './deliveries.ts'
import type { Endpoints } from './endpoints.ts'
import type { History } from './history.ts'
import type { Jobs } from './jobs.ts'
import type { Outbox } from './outbox.ts'
import type { Schema } from './schema.ts'

/**
 * Where a sender keeps everything. An adapter implements the semantics of data, never retries, signing or HTTP.
 * Every method is one transaction, all or nothing, and safe to call again after a lost answer. Failures reject
 * with a `StorageError`. `storageSuite` of `@hooks/sender/testing` is this contract as tests.
 */
export interface Storage<Tx = unknown> extends Outbox<Tx>, Deliveries {
  readonly facts: {
    /** Whose clock decides what is due. */
    readonly clock: 'database' | 'injected'
    /** Whether several processes may share it. */
    readonly processes: 'one' | 'many'
    /** How a host's transaction runs: `sync` handles need `sendSync`; `none` has no transactions. */
    readonly tx: 'async' | 'sync' | 'none'
    /**
     * What this port asks for and the storage does not do yet. The suite reports the cases as unsupported, and the
     * sender refuses what it would need.
     */
    readonly lacks?: readonly Capability[]
  }
  readonly endpoints: Endpoints<Tx>
  readonly history: History
  readonly jobs: Jobs
  readonly schema: Schema
  /** Lets go of connections of its own. The host's handle stays open. Idempotent. */
  close(): Promise<void>
}

/**
 * A part of the port that a storage may lack: counters on lanes, ordering keys, rates, shares of a claim, deliveries
 * added later, jobs, expunging, pages by offset with totals.
 */
export type Capability = 'health' | 'order' | 'rate' | 'shares' | 'replay' | 'jobs' | 'expunge' | 'pages'
