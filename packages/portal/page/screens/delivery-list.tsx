import { useEffect, useMemo, useState } from 'preact/hooks'
import { get, problemOf } from '../api.ts'
import { diagnose, explain } from '../causes.ts'
import { useBusy, useEvery, useLoaded } from '../loading.ts'
import { wordsFor } from '../notice.ts'
import { countOf, KIND_NAMES, KINDS, type Kind } from '../parts/bars.tsx'
import { Badge, Empty, EventName, Loading, Time, Trouble } from '../parts/basics.tsx'
import { Choice } from '../parts/choice.tsx'
import { Field } from '../parts/field.tsx'
import { go, link } from '../router.ts'
import { duration, hoursAgo, number } from '../times.ts'
import type { Deliveries, Delivery, EventType, Page } from '../types.ts'
import { t } from '../words.ts'

const PER_PAGE = 25

/** What was sent to an endpoint, newest first, a page at a time. */
export function DeliveryList({ id, changes }: { id: string; changes: number }) {
  const [kind, setKind] = useState<Kind | undefined>(undefined)
  const [cursors, setCursors] = useState<readonly string[]>([])
  const [event, setEvent] = useState('')
  const [hours, setHours] = useState(0)
  const since = useMemo(() => (hours === 0 ? undefined : hoursAgo(hours)), [hours])
  const types = useLoaded(() => get<Page<EventType>>('event-types'), [])
  const cursor = cursors.at(-1)
  const { value, problem, reload } = useLoaded(
    () =>
      get<Deliveries>(`endpoints/${id}/deliveries`, {
        limit: PER_PAGE,
        cursor,
        status: kind && KINDS[kind].join(','),
        event: event || undefined,
        since,
      }),
    [id, kind, cursor, changes, event, since],
  )
  // A page that is read stays as it is; the newest one goes on.
  useEvery(5_000, reload, cursor === undefined)
  const [kept, setKept] = useState<Deliveries>()
  useEffect(() => {
    if (value) setKept(value)
  }, [value])
  const shown = value ?? kept
  const show = (change: () => void) => {
    change()
    setCursors([])
  }
  return (
    <section aria-labelledby="deliveries">
      <div class="heading">
        <h2 id="deliveries">{t.deliveries.title}</h2>
        <fieldset class="filter" aria-label={t.deliveries.filter}>
          <button
            type="button"
            class="chip"
            aria-pressed={kind === undefined}
            onClick={() => show(() => setKind(undefined))}
          >
            {t.all} {shown && <b>{number(shown.statistics.total ?? 0)}</b>}
          </button>
          {KIND_NAMES.map((one) => (
            <button
              key={one}
              type="button"
              class="chip"
              aria-pressed={kind === one}
              onClick={() => show(() => setKind(one))}
            >
              {t.deliveries.kinds[one]} {shown && <b>{number(countOf(shown.statistics, one))}</b>}
            </button>
          ))}
        </fieldset>
      </div>
      {(shown?.statistics.total ?? 0) > 0 && (
        <div class="finder">
          <Choice
            label={t.deliveries.event}
            value={event}
            choices={[
              ['', t.deliveries.anyEvent],
              ...(types.value?.data ?? []).map(({ type }) => [type, type] as const),
            ]}
            onChange={(chosen) => show(() => setEvent(chosen))}
          />
          <Choice
            label={t.deliveries.since}
            value={hours}
            choices={t.deliveries.spans}
            onChange={(chosen) => show(() => setHours(chosen))}
          />
          <FindById />
        </div>
      )}
      {problem && <Trouble problem={problem} retry={reload} />}
      {!shown && !problem && <Loading />}
      {shown && shown.data.length === 0 && (
        <Empty>
          <p>{kind || event || since ? t.deliveries.emptyFiltered : t.deliveries.empty}</p>
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

/** Leads to a delivery of which somebody has the id, from a log for example. */
function FindById() {
  const [id, setId] = useState('')
  const [wrong, setWrong] = useState<string>()
  const [, run] = useBusy()
  const find = () =>
    run(async () => {
      try {
        const found = await get<Delivery>(`deliveries/${encodeURIComponent(id.trim())}`)
        go('endpoints', found.endpointId, 'deliveries', found.id)
      } catch (error) {
        const problem = problemOf(error)
        setWrong(problem.code === 'delivery_not_found' ? t.deliveries.notFound : wordsFor(problem))
      }
    })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (id.trim()) void find()
      }}
    >
      <Field label={t.deliveries.find} hint="" wrong={wrong}>
        {(attributes) => (
          <input
            {...attributes}
            type="search"
            spellcheck={false}
            placeholder={t.deliveries.findHint}
            value={id}
            onInput={({ currentTarget }) => {
              setId(currentTarget.value)
              setWrong(undefined)
            }}
          />
        )}
      </Field>
    </form>
  )
}

/** What was answered last, why nothing was, or why nothing was sent. */
function answerOf(delivery: Delivery): string | undefined {
  const { last, state } = delivery
  if (!last) return state === 'skipped' || state === 'failed' ? explain(delivery)[0] : undefined
  return last.status === undefined ? diagnose(last)?.what : `${last.status} · ${duration(last.ms)}`
}

function Row({ endpoint, delivery }: { endpoint: string; delivery: Delivery }) {
  const { id, type, state, attempts, createdAt } = delivery
  return (
    <tr>
      <td>
        <a class="stretched" href={link('endpoints', endpoint, 'deliveries', id)}>
          <EventName type={type} />
        </a>
        {state !== 'delivered' && <small class="narrower dim">{answerOf(delivery)}</small>}
      </td>
      <td>
        <Badge state={state} />
      </td>
      <td class="wider dim">{answerOf(delivery)}</td>
      <td class="wider end">{number(attempts)}</td>
      <td class="end dim">
        <Time at={createdAt} />
      </td>
    </tr>
  )
}
