import { useEffect, useState } from 'preact/hooks'
import { get } from '../api.ts'
import { diagnose } from '../causes.ts'
import { useEvery, useLoaded } from '../loading.ts'
import { countOf, KIND_NAMES, KINDS, type Kind } from '../parts/bars.tsx'
import { Badge, Empty, EventName, Loading, Time, Trouble } from '../parts/basics.tsx'
import { link } from '../router.ts'
import { duration, number } from '../times.ts'
import type { Deliveries, Delivery } from '../types.ts'
import { t } from '../words.ts'

const PER_PAGE = 25

/** What was sent to an endpoint, newest first, a page at a time. */
export function DeliveryList({ id, changes }: { id: string; changes: number }) {
  const [kind, setKind] = useState<Kind | undefined>(undefined)
  const [cursors, setCursors] = useState<readonly string[]>([])
  const cursor = cursors.at(-1)
  const { value, problem, reload } = useLoaded(
    () =>
      get<Deliveries>(`endpoints/${id}/deliveries`, {
        limit: PER_PAGE,
        cursor,
        status: kind && KINDS[kind].join(','),
      }),
    [id, kind, cursor, changes],
  )
  // A page that is read stays as it is; the newest one goes on.
  useEvery(5_000, reload, cursor === undefined)
  const [kept, setKept] = useState<Deliveries>()
  useEffect(() => {
    if (value) setKept(value)
  }, [value])
  const shown = value ?? kept
  const show = (chosen: Kind | undefined) => {
    setKind(chosen)
    setCursors([])
  }
  return (
    <section aria-labelledby="deliveries">
      <div class="heading">
        <h2 id="deliveries">{t.deliveries.title}</h2>
        <fieldset class="filter" aria-label={t.deliveries.filter}>
          <button type="button" class="chip" aria-pressed={kind === undefined} onClick={() => show(undefined)}>
            {t.all} {shown && <b>{number(shown.statistics.total ?? 0)}</b>}
          </button>
          {KIND_NAMES.map((one) => (
            <button key={one} type="button" class="chip" aria-pressed={kind === one} onClick={() => show(one)}>
              {t.deliveries.kinds[one]} {shown && <b>{number(countOf(shown.statistics, one))}</b>}
            </button>
          ))}
        </fieldset>
      </div>
      {problem && <Trouble problem={problem} retry={reload} />}
      {!shown && !problem && <Loading />}
      {shown && shown.data.length === 0 && (
        <Empty>
          <p>{kind ? t.deliveries.emptyFiltered : t.deliveries.empty}</p>
        </Empty>
      )}
      {shown && shown.data.length > 0 && (
        <div class={`card ${value ? '' : 'stale'}`}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t.deliveries.event}</th>
                <th scope="col">{t.deliveries.status}</th>
                <th scope="col" class="wider">
                  {t.deliveries.answer}
                </th>
                <th scope="col" class="wider end">
                  {t.deliveries.attempts}
                </th>
                <th scope="col" class="end">
                  {t.deliveries.time}
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.data.map((one) => (
                <Row key={one.id} endpoint={id} delivery={one} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {(cursors.length > 0 || shown?.nextCursor) && (
        <div class="pages">
          {cursors.length > 0 && (
            <button type="button" onClick={() => setCursors([])}>
              {t.deliveries.newest}
            </button>
          )}
          {shown?.nextCursor && (
            <button
              type="button"
              aria-disabled={!value}
              onClick={() => value?.nextCursor && setCursors([...cursors, value.nextCursor])}
            >
              {t.deliveries.older}
            </button>
          )}
        </div>
      )}
    </section>
  )
}

function Row({ endpoint, delivery }: { endpoint: string; delivery: Delivery }) {
  const { id, type, state, last, attempts, createdAt } = delivery
  return (
    <tr>
      <td>
        <a class="stretched" href={link('endpoints', endpoint, 'deliveries', id)}>
          <EventName type={type} />
        </a>
      </td>
      <td>
        <Badge state={state} />
      </td>
      <td class="wider dim">
        {last && (last.status === undefined ? diagnose(last)?.what : `${last.status} · ${duration(last.ms)}`)}
      </td>
      <td class="wider end">{number(attempts)}</td>
      <td class="end dim">
        <Time at={createdAt} />
      </td>
    </tr>
  )
}
