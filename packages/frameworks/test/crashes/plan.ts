/** Where a host's process can be killed: by name, in the order in which a message passes them. */
export const POINTS = {
  transaction: ['before claim', 'after claim', 'after effect', 'after completion', 'after commit'],
  keyed: ['before claim', 'after claim', 'after effect', 'after completion'],
  background: ['before accept', 'after accept', 'after taking', 'after effect', 'after settling'],
} as const

/** How a receiver handles: in the host's transaction, under a key alone, or after its answer. */
export type Mode = keyof typeof POINTS

/** Where its store is, and the effects. */
export type Database =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string }
  /** The keys are in the host's memory, which dies with it, the effects in SQLite. */
  | { readonly kind: 'memory'; readonly path: string }
  /** The keys are in Redis, the effects in SQLite. */
  | { readonly kind: 'redis'; readonly url: string; readonly prefix: string; readonly path: string }

/** What the receiver stands behind. */
export const FRAMEWORKS = ['Express', 'Fastify', 'Next.js'] as const

/** What a host's process is told when it is to serve. */
export interface HostPlan {
  readonly framework: string
  readonly mode: Mode
  readonly database: Database
  readonly leaseMs: number
  /** A planted fault: the handler does not wait for its work, so it is answered too early. */
  readonly isHasty?: boolean
  /** The first run of the handler fails before its effect, and the second after it. */
  readonly fails?: boolean
}

export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
