/** Whom a failed attempt is up to. */
export type Fault = 'endpoint' | 'sender' | 'unknown'

/** What happened, and what to do about it. */
export type Cause = readonly [what: string, todo: string]

/** Every text of the page. */
export interface Words {
  readonly title: string
  readonly skip: string
  readonly nav: {
    readonly overview: string
    readonly endpoints: string
    readonly events: string
    readonly verify: string
    readonly label: string
  }
  readonly tenant: string
  readonly loading: string
  readonly retry: string
  readonly close: string
  readonly cancel: string
  readonly copy: string
  readonly copied: string
  readonly notCopied: string
  readonly search: string
  readonly all: string
  readonly none: string
  readonly more: string
  readonly back: string
  readonly notFound: string
  readonly closed: { readonly title: string; readonly text: string }
  readonly endpoints: {
    readonly intro: string
    readonly add: string
    readonly emptyTitle: string
    readonly emptyText: string
    readonly allEvents: string
    events(count: number): string
    readonly health: string
    readonly noDeliveries: string
    readonly unnamed: string
  }
  readonly form: {
    readonly add: string
    readonly edit: string
    readonly url: string
    readonly urlHint: string
    readonly name: string
    readonly nameHint: string
    readonly events: string
    readonly everything: string
    readonly everythingHint: string
    readonly chosen: string
    readonly chosenHint: string
    readonly findEvent: string
    readonly noEvent: string
    readonly ungrouped: string
    readonly patterns: string
    readonly deprecated: string
    readonly chooseOne: string
    readonly settings: string
    readonly description: string
    readonly descriptionHint: string
    readonly channels: string
    readonly channelsHint: string
    readonly rate: string
    readonly rateHint: string
    readonly rateWrong: string
    readonly payload: string
    readonly payloads: readonly (readonly ['full' | 'thin', string])[]
    readonly version: string
    readonly latest: string
    readonly headers: string
    readonly headersHint: string
    readonly headersKept: string
    readonly headersWrong: string
    readonly filter: string
    readonly filterHint: string
    readonly filterWrong: string
    readonly save: string
    readonly create: string
    readonly saved: string
  }
  /** What those who run the sender see. */
  readonly overview: {
    readonly title: string
    readonly intro: string
    readonly empty: string
    readonly due: string
    oldest(age: string): string
    readonly nothingDue: string
    readonly open: string
    inFlight(count: string): string
    readonly held: string
    readonly heldHint: string
    readonly account: string
    readonly failures: string
    readonly exhausted: string
    readonly lastFailure: string
    readonly recover: string
    readonly recoverTitle: string
    readonly recoverText: string
    recoverWhere(count: number, text: string): string
    recoverBegun(text: string): string
    readonly back: string
    readonly next: string
  }
  readonly endpoint: {
    readonly states: Readonly<Record<string, string>>
    readonly pause: string
    readonly resume: string
    readonly pausedTitle: string
    readonly pausedText: string
    readonly copyUrl: string
    readonly showSecret: string
    speed(half: string, most: string): string
    readonly lastSuccess: string
    readonly description: string
    readonly pausedNow: string
    readonly resumedNow: string
    readonly edit: string
    readonly test: string
    readonly recover: string
    readonly rotate: string
    readonly enable: string
    readonly disable: string
    readonly remove: string
    readonly disabledTitle: string
    /** Why it is disabled, by code. */
    readonly disabledBecause: Readonly<Record<string, string>>
    readonly disabledNow: string
    readonly enabledNow: string
    readonly health: string
    readonly day: string
    readonly now: string
    succeeded(share: string): string
    readonly lastError: string
    readonly noError: string
    readonly recent: string
    readonly recentHint: string
    readonly removeTitle: string
    readonly removeText: string
    readonly removed: string
    readonly more: string
  }
  readonly secret: {
    readonly showTitle: string
    readonly showText: string
    readonly current: string
    readonly old: string
    readonly coming: string
    readonly until: string
    readonly from: string
    readonly kept: string
    readonly title: string
    readonly once: string
    readonly label: string
    readonly done: string
    readonly howTo: string
    readonly rotateTitle: string
    readonly rotateText: string
    readonly overlap: string
    readonly overlaps: readonly (readonly [seconds: number, label: string])[]
    readonly rotate: string
  }
  readonly test: {
    readonly title: string
    readonly text: string
    readonly event: string
    readonly send: string
    readonly sent: string
    readonly noExample: string
  }
  readonly recover: {
    readonly title: string
    readonly text: string
    readonly since: string
    readonly spans: readonly (readonly [hours: number, label: string])[]
    readonly kind: string
    readonly failed: string
    readonly missing: string
    readonly counting: string
    count(matching: number, text: string): string
    expired(count: number, text: string): string
    readonly start: string
    readonly progress: string
    readonly states: Readonly<Record<'running' | 'done' | 'failed' | 'cancelled', string>>
    sent(sent: string, total: string): string
    readonly stop: string
    readonly unsupported: string
  }
  readonly deliveries: {
    readonly title: string
    readonly filter: string
    readonly kinds: Readonly<Record<'delivered' | 'waiting' | 'failed' | 'skipped', string>>
    readonly states: Readonly<Record<string, string>>
    readonly event: string
    readonly status: string
    readonly answer: string
    readonly attempts: string
    readonly time: string
    readonly anyEvent: string
    readonly since: string
    readonly spans: readonly (readonly [hours: number, label: string])[]
    readonly find: string
    readonly findHint: string
    readonly notFound: string
    readonly empty: string
    readonly emptyFiltered: string
    readonly older: string
    readonly newest: string
    readonly open: string
  }
  readonly delivery: {
    readonly title: string
    readonly whose: Readonly<Record<Fault, string>>
    readonly next: string
    readonly now: string
    readonly noMore: string
    readonly attempts: string
    attempt(n: number): string
    readonly triggers: Readonly<Record<string, string>>
    readonly noAttempt: string
    readonly response: string
    readonly noResponse: string
    readonly responseHeaders: string
    readonly request: string
    readonly headers: string
    readonly body: string
    readonly expired: string
    readonly copyBody: string
    readonly copyCurl: string
    readonly unsigned: string
    readonly resend: string
    readonly resendAgain: string
    readonly resent: string
    readonly cancel: string
    readonly cancelled: string
    readonly message: string
    readonly id: string
    readonly happened: string
    readonly showAll: string
    /** Why it ended, by code. */
    readonly reasons: Readonly<Record<string, Cause>>
    readonly delivered: Cause
    readonly waiting: Cause
  }
  readonly catalog: {
    readonly intro: string
    readonly field: string
    readonly type: string
    readonly meaning: string
    readonly required: string
    readonly example: string
    readonly fields: string
    readonly typescript: string
    versions(names: string): string
    readonly noSchema: string
    readonly deprecated: string
    readonly empty: string
    readonly choose: string
  }
  readonly verify: {
    readonly title: string
    readonly intro: string
    readonly language: string
    readonly none: string
    readonly raw: string
  }
  /** What the API refuses, by code; where there is none, its own words are shown. */
  readonly problems: Readonly<Record<string, string>>
  /** Why an attempt came to no status, by code. */
  readonly failures: Readonly<Record<string, Cause>>
  /** What a status that is no success means, by itself or by its first digit. */
  readonly statuses: Readonly<Record<string, Cause>>
}
