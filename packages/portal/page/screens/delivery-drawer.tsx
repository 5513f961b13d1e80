import { useState } from 'preact/hooks'
import { get, may, post } from '../api.ts'
import { diagnose, explain } from '../causes.ts'
import { useBusy, useEvery, useLoaded } from '../loading.ts'
import { say, sayProblem } from '../notice.ts'
import { Badge, Copy, Loading, Time, Trouble } from '../parts/basics.tsx'
import { Code } from '../parts/code.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { curlOf, pretty, visible } from '../text.ts'
import { ago, duration, exact, now } from '../times.ts'
import type { Attempt, Delivery, DeliveryDetails } from '../types.ts'
import { t } from '../words.ts'

interface DrawerOptions {
  readonly id: string
  readonly onChange: () => void
  readonly onClose: () => void
}

const OPEN = ['pending', 'sending', 'retrying']

/** One delivery: what happened to it, why, and what can be done. */
export function DeliveryDrawer({ id, onChange, onClose }: DrawerOptions) {
  const { value, problem, reload } = useLoaded(() => get<DeliveryDetails>(`deliveries/${id}`), [id])
  useEvery(2_000, reload, value !== undefined && OPEN.includes(value.state))
  return (
    <Dialog title={t.delivery.title} side onClose={onClose}>
      {problem && <Trouble problem={problem} retry={reload} />}
      {!value && !problem && <Loading />}
      {value && <Details delivery={value} reload={reload} onChange={onChange} />}
    </Dialog>
  )
}

interface DetailsOptions {
  readonly delivery: DeliveryDetails
  readonly reload: () => Promise<void>
  readonly onChange: () => void
}

function Details({ delivery, reload, onChange }: DetailsOptions) {
  const { id, type, state, messageId, occurredAt, log, request } = delivery
  const [busy, run] = useBusy()
  const act = (what: 'resend' | 'cancel', done: string) =>
    run(async () => {
      try {
        await post(`deliveries/${id}/${what}`)
        say(done)
      } catch (error) {
        sayProblem(error)
      }
      await reload()
      onChange()
    })
  const open = OPEN.includes(state)
  return (
    <>
      <p class="what">
        <code>{type}</code> <Badge state={state} />
      </p>
      <Cause delivery={delivery} />
      {may('attempt:create') && (
        <div class="actions">
          {(!open || state === 'retrying') && (
            <button
              type="button"
              class={state === 'delivered' ? '' : 'primary'}
              aria-disabled={busy}
              onClick={() => void act('resend', t.delivery.resent)}
            >
              {state === 'delivered' ? t.delivery.resendAgain : t.delivery.resend}
            </button>
          )}
          {(state === 'pending' || state === 'retrying') && (
            <button type="button" aria-disabled={busy} onClick={() => void act('cancel', t.delivery.cancelled)}>
              {t.delivery.cancel}
            </button>
          )}
        </div>
      )}
      <h3>{t.delivery.attempts}</h3>
      {log.length === 0 ? (
        <p class="dim">{t.delivery.noAttempt}</p>
      ) : (
        <ol class="timeline">
          {log.toReversed().map((attempt, i) => (
            <AttemptItem key={`${attempt.n} ${attempt.at}`} attempt={attempt} open={i === 0} />
          ))}
        </ol>
      )}
      <h3>{t.delivery.request}</h3>
      {request.body === null ? (
        <p class="dim">{t.delivery.expired}</p>
      ) : (
        <>
          <Headers of={request.headers} label={t.delivery.headers} />
          <Code label={t.delivery.body} text={pretty(request.body)} />
          <div class="actions">
            <Copy text={request.body} label={t.delivery.copyBody} />
            {request.url !== null && (
              <Copy
                text={curlOf({ url: request.url, headers: request.headers, body: request.body })}
                label={t.delivery.copyCurl}
              />
            )}
            <small class="dim">{t.delivery.unsigned}</small>
          </div>
        </>
      )}
      <dl class="facts">
        <dt>{t.delivery.id}</dt>
        <dd>
          <code>{id}</code>
        </dd>
        <dt>{t.delivery.message}</dt>
        <dd>
          <code>{messageId}</code>
        </dd>
        <dt>{t.delivery.happened}</dt>
        <dd>{exact(occurredAt)}</dd>
      </dl>
    </>
  )
}

/** Why, whose turn it is, and what comes next. */
function Cause({ delivery }: { delivery: Delivery }) {
  const { state, last, nextAttemptAt } = delivery
  const [what, todo] = explain(delivery)
  const diagnosis = last && state !== 'delivered' ? diagnose(last) : undefined
  return (
    <div class={`banner ${state === 'delivered' ? 'good' : diagnosis || state === 'failed' ? 'bad' : 'warn'}`}>
      <div>
        {diagnosis?.fault && <small class="whose">{t.delivery.whose[diagnosis.fault]}</small>}
        {diagnosis && (
          <p>
            <strong>{visible(diagnosis.what)}</strong> {diagnosis.todo}
          </p>
        )}
        {what && (
          <p>
            {what} {todo}
          </p>
        )}
        {nextAttemptAt && state !== 'delivered' && <Countdown to={nextAttemptAt} />}
      </div>
    </div>
  )
}

function Countdown({ to }: { to: string }) {
  const [at, setAt] = useState(now())
  useEvery(1_000, () => setAt(now()))
  return (
    <p>
      {t.delivery.next}:{' '}
      <time dateTime={to} title={exact(to)}>
        {Date.parse(to) <= at ? t.delivery.now : ago(to, at)}
      </time>
    </p>
  )
}

/** Headers, for who wants to see them. */
function Headers({ of, label }: { of: Readonly<Record<string, string>>; label: string }) {
  const lines = Object.entries(of).map(([name, one]) => `${name}: ${one}`)
  if (lines.length === 0) return null
  return (
    <details>
      <summary>{label}</summary>
      <Code label={label} text={lines.join('\n')} />
    </details>
  )
}

function AttemptItem({ attempt, open }: { attempt: Attempt; open: boolean }) {
  const { n, at, ms, status, error, response, responseHeaders = {}, trigger } = attempt
  const diagnosis = diagnose(attempt)
  return (
    <li class={diagnosis ? 'failed' : 'delivered'}>
      <p>
        <b>{t.delivery.attempt(n)}</b> <span class="code">{status ?? error}</span>{' '}
        <span class="dim">
          {duration(ms)} · {t.delivery.triggers[trigger] ?? trigger} · <Time at={at} />
        </span>
      </p>
      {diagnosis && <p class="dim">{visible(diagnosis.what)}</p>}
      {status !== undefined && (
        <details open={open && response !== undefined}>
          <summary>{t.delivery.response}</summary>
          {response === undefined ? (
            <p class="dim">{t.delivery.noResponse}</p>
          ) : (
            <Code label={t.delivery.response} text={response} />
          )}
          <Headers of={responseHeaders} label={t.delivery.responseHeaders} />
        </details>
      )}
    </li>
  )
}
