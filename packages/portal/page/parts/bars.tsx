import { diagnose } from '../causes.ts'
import { duration, number, share } from '../times.ts'
import type { Counts, Delivery, State } from '../types.ts'
import { t } from '../words.ts'

export type Kind = 'delivered' | 'waiting' | 'failed' | 'skipped'

export const KINDS: Readonly<Record<Kind, readonly State[]>> = {
  delivered: ['delivered'],
  waiting: ['pending', 'sending', 'retrying'],
  failed: ['failed'],
  skipped: ['skipped', 'cancelled'],
}
export const KIND_NAMES = Object.keys(KINDS) as readonly Kind[]

export const kindOf = (state: State): Kind => KIND_NAMES.find((kind) => KINDS[kind].includes(state)) ?? 'waiting'

export const countOf = (counts: Counts, kind: Kind) => KINDS[kind].reduce((sum, state) => sum + (counts[state] ?? 0), 0)

/** The share of what was tried that was delivered. */
export function succeeded(counts: Counts): string | undefined {
  const delivered = countOf(counts, 'delivered')
  const tried = delivered + countOf(counts, 'failed') + (counts.retrying ?? 0)
  return tried === 0 ? undefined : share(delivered, tried)
}

/** How deliveries share out among their states. */
export function HealthBar({ counts, legend = false }: { counts: Counts; legend?: boolean }) {
  const total = counts.total ?? 0
  const parts = KIND_NAMES.map((kind) => ({ kind, count: countOf(counts, kind) })).filter(({ count }) => count > 0)
  const text = parts.map(({ kind, count }) => `${t.deliveries.kinds[kind]}: ${number(count)}`).join(', ')
  let at = 0
  return (
    <>
      <svg
        class="health"
        viewBox="0 0 100 6"
        preserveAspectRatio="none"
        role="img"
        aria-label={text || t.endpoints.noDeliveries}
      >
        <rect class="nothing" width="100" height="6" />
        {parts.map(({ kind, count }) => {
          const width = Math.max(1.5, (count / total) * 100)
          const x = Math.min(at, 100 - width)
          at += width
          return <rect key={kind} class={kind} x={x} width={width} height="6" />
        })}
      </svg>
      {legend && (
        <ul class="legend" aria-hidden="true">
          {parts.map(({ kind, count }) => (
            <li key={kind}>
              <i class={kind} />
              {t.deliveries.kinds[kind]} <b>{number(count)}</b>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

const MOST_BARS = 48
/** Fewer than these leave room, so that one bar is no beam. */
const LEAST_BARS = 24
const WIDTH = 7
const HEIGHT = 44

/** The latest deliveries, oldest first: how each ended, and how long its last attempt took. */
export function RecentBars({ deliveries }: { deliveries: readonly Delivery[] }) {
  const shown = deliveries.slice(0, MOST_BARS).reverse()
  const places = Math.max(LEAST_BARS, shown.length)
  const slowest = Math.max(200, ...shown.map(({ last }) => last?.ms ?? 0))
  return (
    <svg
      class="recent"
      viewBox={`0 0 ${places * WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${t.endpoint.recent}. ${t.endpoint.recentHint}`}
    >
      {shown.map(({ id, state, type, last }, i) => {
        const height = Math.max(4, Math.sqrt((last?.ms ?? 0) / slowest) * HEIGHT)
        const what = last && (last.status ?? diagnose(last)?.what)
        return (
          <rect
            key={id}
            class={kindOf(state)}
            x={(places - shown.length + i) * WIDTH + 1}
            y={HEIGHT - height}
            width={WIDTH - 2}
            height={height}
            rx="1.5"
          >
            <title>
              {[type, t.deliveries.states[state], what, last && duration(last.ms)].filter(Boolean).join(' · ')}
            </title>
          </rect>
        )
      })}
    </svg>
  )
}

/** How far something long has got. */
export function Progress({ done, total, label }: { done: number; total: number; label: string }) {
  return (
    <progress class="bar" max={Math.max(total, 1)} value={Math.min(done, Math.max(total, 1))} aria-label={label}>
      {number(done)}
    </progress>
  )
}
