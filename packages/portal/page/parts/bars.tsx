import { diagnose } from '../causes.ts'
import { duration, hour, number, share } from '../times.ts'
import type { Counts, Delivery, History, State } from '../types.ts'
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
export function HealthBar({ counts }: { counts: Counts }) {
  const total = counts.total ?? 0
  const parts = KIND_NAMES.map((kind) => ({ kind, count: countOf(counts, kind) })).filter(({ count }) => count > 0)
  const text = parts.map(({ kind, count }) => `${t.deliveries.kinds[kind]}: ${number(count)}`).join(', ')
  let at = 0
  return (
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
  )
}

const HOUR = 10
const TALL = 56
const LEAST = 3

/** A day by its hours: how much was sent, and what became of it. */
export function HourBars({ history }: { history: History }) {
  const { buckets } = history
  const most = Math.max(4, ...buckets.map(({ total = 0 }) => total))
  const kinds = KIND_NAMES.filter((kind) => countOf(history, kind) > 0)
  const textOf = (counts: Counts) =>
    KIND_NAMES.filter((kind) => countOf(counts, kind) > 0)
      .map((kind) => `${t.deliveries.kinds[kind]}: ${number(countOf(counts, kind))}`)
      .join(', ')
  return (
    <>
      <svg
        class="hours"
        viewBox={`0 0 ${buckets.length * HOUR} ${TALL}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={textOf(history) || t.endpoints.noDeliveries}
      >
        {buckets.map((bucket, i) => {
          let top = TALL
          return (
            <g key={bucket.since}>
              <rect class="nothing" x={i * HOUR + 1} y={TALL - 2} width={HOUR - 2} height="2" />
              {kinds.map((kind) => {
                const count = countOf(bucket, kind)
                if (count === 0) return null
                const height = Math.min(top, Math.max(LEAST, (count / most) * TALL))
                top -= height
                return <rect key={kind} class={kind} x={i * HOUR + 1} y={top} width={HOUR - 2} height={height} />
              })}
              <rect class="glass" x={i * HOUR} width={HOUR} height={TALL}>
                <title>{[hour(bucket.since), textOf(bucket) || t.endpoints.noDeliveries].join(' · ')}</title>
              </rect>
            </g>
          )
        })}
      </svg>
      <p class="axis" aria-hidden="true">
        <span>{hour(buckets[0]?.since ?? '')}</span>
        <span>{t.endpoint.now}</span>
      </p>
      <ul class="legend" aria-hidden="true">
        {kinds.map((kind) => (
          <li key={kind}>
            <i class={kind} />
            {t.deliveries.kinds[kind]} <b>{number(countOf(history, kind))}</b>
          </li>
        ))}
      </ul>
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
