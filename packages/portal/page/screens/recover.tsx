import { useRef, useState } from 'preact/hooks'
import { get, post, randomText } from '../api.ts'
import { useBusy, useEvery, useLoaded } from '../loading.ts'
import { sayProblem } from '../notice.ts'
import { Progress } from '../parts/bars.tsx'
import { Loading, Trouble } from '../parts/basics.tsx'
import { Choice } from '../parts/choice.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { hoursAgo, number } from '../times.ts'
import type { Job } from '../types.ts'
import { t } from '../words.ts'

interface RecoverOptions {
  readonly id: string
  readonly onSent: () => void
  readonly onClose: () => void
}

/** Sends again what an endpoint missed: first how much that is, then how far it has got. */
export function Recover({ id, onSent, onClose }: RecoverOptions) {
  const [job, setJob] = useState<Job>()
  return (
    <Dialog title={t.recover.title} onClose={onClose}>
      {job ? (
        <Running job={job} onSent={onSent} onClose={onClose} />
      ) : (
        <Choose id={id} onStart={setJob} onClose={onClose} />
      )}
    </Dialog>
  )
}

function Choose({ id, onStart, onClose }: { id: string; onStart: (job: Job) => void; onClose: () => void }) {
  const [hours, setHours] = useState(24)
  const [kind, setKind] = useState<'recover' | 'replay-missing'>('recover')
  const [since, setSince] = useState(hoursAgo(24))
  const [busy, run] = useBusy()
  // A second try after a lost answer begins no second job.
  const once = useRef(randomText())
  const path = `endpoints/${id}/${kind}`
  const { value, problem, reload } = useLoaded(() => post<Job['total']>(path, { since, dryRun: true }), [path, since])
  const start = () =>
    run(async () => {
      try {
        onStart(await post<Job>(path, { since }, { 'idempotency-key': `${once.current} ${kind} ${since}` }))
      } catch (error) {
        sayProblem(error)
      }
    })
  return (
    <>
      <p>{t.recover.text}</p>
      <Choice
        label={t.recover.since}
        value={hours}
        choices={t.recover.spans}
        onChange={(span) => {
          setHours(span)
          setSince(hoursAgo(span))
        }}
      />
      <Choice
        label={t.recover.kind}
        value={kind}
        choices={[
          ['recover', t.recover.failed],
          ['replay-missing', t.recover.missing],
        ]}
        onChange={setKind}
      />
      {problem && <Trouble problem={problem} retry={reload} />}
      <p class="count" aria-live="polite">
        {value ? t.recover.count(value.matching, number(value.matching)) : !problem && t.recover.counting}{' '}
        {value && value.expired > 0 && t.recover.expired(value.expired, number(value.expired))}
      </p>
      <div class="actions">
        <button
          type="button"
          class="primary"
          aria-disabled={busy || !value?.matching}
          onClick={() => {
            if (value?.matching) void start()
          }}
        >
          {t.recover.start}
        </button>
        <button type="button" onClick={onClose}>
          {t.cancel}
        </button>
      </div>
    </>
  )
}

function Running({ job: started, onSent, onClose }: { job: Job; onSent: () => void; onClose: () => void }) {
  const { value: job = started, problem, reload, set } = useLoaded(() => get<Job>(`jobs/${started.id}`), [started.id])
  const [busy, run] = useBusy()
  const running = job.state === 'running'
  useEvery(
    1_000,
    async () => {
      await reload()
      onSent()
    },
    running,
  )
  const { matching, expired } = job.total
  const done = job.state === 'done' ? matching + expired : job.sent + job.expired + job.left
  const stop = () =>
    run(async () => {
      try {
        set(await post<Job>(`jobs/${job.id}/cancel`))
      } catch (error) {
        sayProblem(error)
      }
    })
  return (
    <>
      {problem && <Trouble problem={problem} retry={reload} />}
      {!job && <Loading />}
      <p aria-live="polite">
        {t.recover.states[job.state]} {t.recover.sent(number(job.sent), number(matching))}
      </p>
      <Progress done={done} total={matching + expired} label={t.recover.progress} />
      <div class="actions">
        {running && (
          <button type="button" aria-disabled={busy} onClick={() => void stop()}>
            {t.recover.stop}
          </button>
        )}
        <button type="button" class={running ? '' : 'primary'} onClick={onClose}>
          {t.close}
        </button>
      </div>
    </>
  )
}
