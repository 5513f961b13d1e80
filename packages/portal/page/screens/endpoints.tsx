import { useState } from 'preact/hooks'
import { get, may } from '../api.ts'
import { useEvery, useLoaded } from '../loading.ts'
import { countOf, HealthBar, succeeded } from '../parts/bars.tsx'
import { Badge, Empty, Loading, Trouble } from '../parts/basics.tsx'
import { link } from '../router.ts'
import { visible } from '../text.ts'
import { hoursAgo, number } from '../times.ts'
import type { Counts, Endpoint, Page } from '../types.ts'
import { t } from '../words.ts'

const PER_PAGE = 25

/** All webhooks of a tenant, and how they are. */
export function Endpoints() {
  const [earlier, setEarlier] = useState<readonly Endpoint[]>([])
  const [cursor, setCursor] = useState<string | undefined>(undefined)
  const { value, problem, reload } = useLoaded(
    () => get<Page<Endpoint>>('endpoints', { limit: PER_PAGE, cursor }),
    [cursor],
  )
  const all = [...earlier, ...(value?.data ?? [])]
  const add = may('endpoint:write') && (
    <a class="button primary" href={link('endpoints', 'new')}>
      {t.endpoints.add}
    </a>
  )
  return (
    <>
      <div class="heading">
        <div>
          <h1>{t.nav.endpoints}</h1>
          <p class="dim">{t.endpoints.intro}</p>
        </div>
        {all.length > 0 && add}
      </div>
      {problem && <Trouble problem={problem} retry={reload} />}
      {!value && !problem && all.length === 0 && <Loading />}
      {value && all.length === 0 && (
        <Empty title={t.endpoints.emptyTitle}>
          <p>{t.endpoints.emptyText}</p>
          {add}
        </Empty>
      )}
      {all.length > 0 && (
        <ul class="card rows">
          {all.map((endpoint) => (
            <Row key={endpoint.id} endpoint={endpoint} />
          ))}
        </ul>
      )}
      {value?.nextCursor && (
        <button
          type="button"
          onClick={() => {
            setEarlier(all)
            setCursor(value.nextCursor ?? undefined)
          }}
        >
          {t.more}
        </button>
      )}
    </>
  )
}

/** What became of an endpoint's deliveries, in a line; what the share says nothing of is counted beside it. */
function summary(counts: Counts): string {
  const share = succeeded(counts)
  const rest = (share === undefined ? (['waiting', 'skipped'] as const) : (['skipped'] as const))
    .map((kind) => [kind, countOf(counts, kind)] as const)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${t.deliveries.kinds[kind]} ${number(count)}`)
  const all = share === undefined ? rest : [t.endpoint.succeeded(share), ...rest]
  return all.length === 0 ? t.endpoints.noDeliveries : all.join(' · ')
}

function Row({ endpoint }: { endpoint: Endpoint }) {
  const { id, url, name, events, enabled } = endpoint
  const { value: counts, reload } = useLoaded(() => get<Counts>(`endpoints/${id}/stats`, { since: hoursAgo(24) }), [id])
  useEvery(30_000, reload)
  return (
    <li>
      <div class="who">
        <a class="stretched" href={link('endpoints', id)}>
          {visible(name ?? url)}
        </a>
        {name && <span class="dim address">{visible(url)}</span>}
        <span class="dim">{events === null ? t.endpoints.allEvents : t.endpoints.events(events.length)}</span>
      </div>
      <div class="how">
        {counts && <HealthBar counts={counts} />}
        <span class="dim">{counts && summary(counts)}</span>
      </div>
      <Badge state={enabled ? 'on' : 'off'} />
    </li>
  )
}
