import { useState } from 'preact/hooks'
import { chooseTenant, get, may } from '../api.ts'
import { useEvery, useLoaded } from '../loading.ts'
import { Address, Badge, Empty, Loading, Time, Trouble } from '../parts/basics.tsx'
import { link } from '../router.ts'
import { visible } from '../text.ts'
import { duration, number } from '../times.ts'
import type { Overview as Depth, Endpoint, EndpointHealth, Page } from '../types.ts'
import { t } from '../words.ts'
import { RecoverAll } from './recover-all.tsx'

type Row = Endpoint & { readonly health: EndpointHealth }

const PER_PAGE = 50

/** For the people who run the sender: how it is doing, and whose webhooks are not well. */
export function Overview() {
  const [cursors, setCursors] = useState<readonly string[]>([])
  const [recovering, setRecovering] = useState(false)
  const cursor = cursors.at(-1)
  const depth = useLoaded(() => get<Depth>('overview'), [])
  const { value, problem, reload } = useLoaded(
    () => get<Page<Row>>('overview/endpoints', { limit: PER_PAGE, cursor }),
    [cursor],
  )
  useEvery(5_000, depth.reload)
  useEvery(10_000, reload)
  return (
    <>
      <div class="heading">
        <div>
          <h1>{t.overview.title}</h1>
          <p class="dim">{t.overview.intro}</p>
        </div>
        {may('attempt:create') && value && value.data.length > 0 && (
          <button type="button" onClick={() => setRecovering(true)}>
            {t.overview.recover}
          </button>
        )}
      </div>
      {recovering && <RecoverAll onClose={() => setRecovering(false)} />}
      {(problem ?? depth.problem) && (
        <Trouble problem={(problem ?? depth.problem) as NonNullable<typeof problem>} retry={reload} />
      )}
      {depth.value && <Cards depth={depth.value} />}
      {!value && !problem && <Loading />}
      {value?.data.length === 0 && (
        <Empty>
          <p>{t.overview.empty}</p>
        </Empty>
      )}
      {value && value.data.length > 0 && (
        <div class="card">
          <table>
            <thead>
              <tr>
                <th scope="col">{t.overview.account}</th>
                <th scope="col">{t.endpoints.unnamed}</th>
                <th scope="col">{t.deliveries.status}</th>
                <th scope="col" class="wider end">
                  {t.overview.failures}
                </th>
                <th scope="col" class="wider end">
                  {t.overview.exhausted}
                </th>
                <th scope="col" class="wider end">
                  {t.overview.lastFailure}
                </th>
              </tr>
            </thead>
            <tbody>
              {value.data.map((one) => (
                <EndpointRow key={one.id} endpoint={one} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <div class="pages">
        {cursors.length > 0 && (
          <button type="button" onClick={() => setCursors(cursors.slice(0, -1))}>
            {t.overview.back}
          </button>
        )}
        {value?.nextCursor && (
          <button type="button" onClick={() => value.nextCursor && setCursors([...cursors, value.nextCursor])}>
            {t.overview.next}
          </button>
        )}
      </div>
    </>
  )
}

function Cards({ depth: { due, unexpanded, open, oldestDueMs, heldEndpoints, inFlight } }: { depth: Depth }) {
  const figures = [
    [
      t.overview.due,
      number(due + unexpanded),
      oldestDueMs === null ? t.overview.nothingDue : t.overview.oldest(duration(oldestDueMs)),
    ],
    [t.overview.open, number(open), t.overview.inFlight(number(inFlight))],
    [t.overview.held, number(heldEndpoints), t.overview.heldHint],
  ] as const
  return (
    <section class="cards" aria-label={t.endpoint.health}>
      {figures.map(([title, figure, hint]) => (
        <div key={title} class="card">
          <h2>{title}</h2>
          <p class="big">{figure}</p>
          <p class="dim">{hint}</p>
        </div>
      ))}
    </section>
  )
}

function EndpointRow({ endpoint }: { endpoint: Row }) {
  const { id, tenant, name, url, enabled, health } = endpoint
  const state = !enabled ? 'off' : health.paused ? 'paused' : health.failing ? 'failing' : 'on'
  return (
    <tr>
      <td>
        <b>{visible(tenant)}</b>
      </td>
      <td>
        <a class="stretched address" href={link('endpoints', id)} onClick={() => chooseTenant(tenant)}>
          <Address text={name ?? url} />
        </a>
      </td>
      <td>
        <Badge state={state} />
      </td>
      <td class="wider end">{number(health.failures)}</td>
      <td class="wider end">{number(health.exhausted)}</td>
      <td class="wider end dim">{health.lastFailureAt && <Time at={health.lastFailureAt} />}</td>
    </tr>
  )
}
