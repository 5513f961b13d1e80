import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import { type Diagnosis, diagnose } from '../causes.ts'
import { useEvery, useLoaded } from '../loading.ts'
import { HourBars, RecentBars, succeeded } from '../parts/bars.tsx'
import { Time } from '../parts/basics.tsx'
import { link } from '../router.ts'
import { duration, lastDay } from '../times.ts'
import type { Deliveries, Delivery, History } from '../types.ts'
import { t } from '../words.ts'

/** How an endpoint is: a day, the latest deliveries, and what was wrong last. */
export function Health({ id, changes }: { id: string; changes: number }) {
  const { value, reload } = useLoaded(
    () =>
      Promise.all([
        get<History>(`endpoints/${id}/stats`, { ...lastDay(), buckets: 24 }),
        get<Deliveries>(`endpoints/${id}/deliveries`, { limit: 48 }),
      ]),
    [id, changes],
  )
  useEvery(15_000, reload)
  const [kept, setKept] = useState(value)
  if (value && value !== kept) setKept(value)
  const [counts, recent] = value ?? kept ?? []
  if (!counts || !recent || recent.data.length === 0) return null
  const trouble = troubleOf(recent.data)
  const part = succeeded(counts)
  const speed = speedOf(recent.data)
  const success = recent.data.find(({ state }) => state === 'delivered')?.last?.at
  return (
    <section class="cards" aria-label={t.endpoint.health}>
      <div class="card">
        <h2>{t.endpoint.day}</h2>
        <p class="big">{part ? t.endpoint.succeeded(part) : t.endpoints.noDeliveries}</p>
        <HourBars history={counts} />
      </div>
      <div class="card">
        <h2>{t.endpoint.recent}</h2>
        <RecentBars deliveries={recent.data} />
        {speed && <p class="dim">{speed}</p>}
      </div>
      <div class="card">
        <h2>{t.endpoint.lastError}</h2>
        {trouble ? (
          <>
            <p class={`cause ${trouble.diagnosis.fault}`}>
              {trouble.diagnosis.what} {trouble.diagnosis.todo}
            </p>
            <p class="dim">
              <a href={link('endpoints', id, 'deliveries', trouble.delivery.id)}>
                <code>{trouble.delivery.type}</code>
              </a>
              {', '}
              <Time at={trouble.at} />
            </p>
          </>
        ) : (
          <p class="dim">{t.endpoint.noError}</p>
        )}
        {success && (
          <p class="dim">
            {t.endpoint.lastSuccess}: <Time at={success} />
          </p>
        )}
      </div>
    </section>
  )
}

/** The newest attempt that failed. */
function troubleOf(
  deliveries: readonly Delivery[],
): { readonly delivery: Delivery; readonly diagnosis: Diagnosis; readonly at: string } | undefined {
  for (const delivery of deliveries) {
    const diagnosis = delivery.last && diagnose(delivery.last)
    if (delivery.last && diagnosis) return { delivery, diagnosis, at: delivery.last.at }
  }
  return undefined
}

/** How fast the server answers, of the latest deliveries. */
function speedOf(deliveries: readonly Delivery[]): string | undefined {
  const times = deliveries.flatMap(({ last }) => (last?.status === undefined ? [] : [last.ms])).sort((a, b) => a - b)
  if (times.length < 3) return undefined
  const within = (share: number) => duration(times[Math.ceil(times.length * share) - 1] ?? 0)
  return t.endpoint.speed(within(0.5), within(0.95))
}
