import { styleText } from 'node:util'
import { columns } from './columns.ts'
import { kinds } from './endpoints.ts'
import type { DeliveryRow, Intent, Subscription } from './ledger.ts'

/** How things are at a moment. */
export interface Snapshot {
  readonly elapsedMs: number
  readonly alive: boolean
  readonly intents: readonly Intent[]
  readonly endpoints: readonly Subscription[]
  readonly deliveries: readonly DeliveryRow[]
  /** Duplicates absorbed, by endpoint id. */
  readonly duplicates: Readonly<Record<string, number>>
}

/** One line of the table: the endpoints of a kind over all products, or all endpoints. */
function total({ endpoints, deliveries, duplicates }: Snapshot, kind?: string) {
  const ids = new Set(endpoints.filter((endpoint) => kind === undefined || endpoint.kind === kind).map(({ id }) => id))
  const rows = deliveries.filter(({ endpointId }) => ids.has(endpointId))
  const waiting = rows.flatMap(({ state, nextAttemptAt }) =>
    state === 'retrying' && nextAttemptAt ? [nextAttemptAt] : [],
  )
  const nextMs = Math.min(...waiting.map(Number)) - Date.now()
  return {
    deliveries: rows.length,
    delivered: rows.filter(({ state }) => state === 'delivered').length,
    attempts: rows.reduce((sum, row) => sum + row.attempts, 0),
    next: waiting.length === 0 ? '-' : nextMs > 0 ? `in${seconds(nextMs)}` : 'due',
    duplicates: [...ids].reduce((sum, id) => sum + (duplicates[id] ?? 0), 0),
  }
}

function sent({ intents }: Snapshot): string {
  return `${intents.filter(({ messageId }) => messageId !== undefined).length} of ${intents.length}`
}

/** For a terminal. */
export function tableLines(snapshot: Snapshot): string[] {
  const row = (name: string, kind?: string) => {
    const { deliveries, delivered, attempts, next, duplicates } = total(snapshot, kind)
    return [name, deliveries, delivered, attempts, next, duplicates]
  }
  const head = ['endpoint', 'deliveries', 'delivered', 'attempts', 'next retry', 'duplicates absorbed']
  const [first = '', ...lines] = columns([head, ...kinds.map(({ name }) => row(name, name)), row('all')])
  const sender = snapshot.alive ? paint('green', 'sender running') : paint('red', 'sender dead')
  return [
    '',
    `${seconds(snapshot.elapsedMs)}  ${sender}  messages sent: ${sent(snapshot)}`,
    '',
    paint('bold', first),
    ...lines,
  ]
}

/** For a log. */
export function plainLine(snapshot: Snapshot): string {
  const { deliveries, delivered, attempts, next, duplicates } = total(snapshot)
  return (
    `${seconds(snapshot.elapsedMs)}  messages ${sent(snapshot)}, deliveries ${deliveries}, delivered ${delivered}, ` +
    `attempts ${attempts}, next retry ${next}, duplicates absorbed ${duplicates}`
  )
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(4)} s`
}

/** Colour, where it can be seen and nobody minds (no-color.org). */
export function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return process.stdout.isTTY && !process.env.NO_COLOR ? styleText(style, text) : text
}
