import { useState } from 'preact/hooks'
import { get, post } from '../api.ts'
import { useBusy, useEvery, useLoaded } from '../loading.ts'
import { sayProblem } from '../notice.ts'
import { Progress } from '../parts/bars.tsx'
import { Loading, Trouble } from '../parts/basics.tsx'
import { Choice } from '../parts/choice.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { number } from '../times.ts'
import type { Job } from '../types.ts'
import { t } from '../words.ts'
import { Matching, StartOrClose, useRecovery } from './recovery.tsx'

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
  const { stretch, since, busy, start } = useRecovery(24)
  const [kind, setKind] = useState<'recover' | 'replay-missing'>('recover')
  const path = `endpoints/${id}/${kind}`
  const { value, problem, reload } = useLoaded(
    () => post<Job['total']>(path, { ...stretch, dryRun: true }),
    [path, stretch.since],
  )
  const send = () =>
    start(async (key) => onStart(await post<Job>(path, stretch, { 'idempotency-key': `${key} ${kind}` })))
  return (
    <>
      <p>{t.recover.text}</p>
      {since}
      <Choice
        label={t.recover.kind}
        value={kind}
        choices={[
          ['recover', t.recover.failed],
          ['replay-missing', t.recover.missing],
        ]}
        onChange={setKind}
      />
      <Matching count={value?.matching} problem={problem} retry={reload}>
        {value && value.expired > 0 && t.recover.expired(value.expired, number(value.expired))}
      </Matching>
      <StartOrClose ready={!busy && (value?.matching ?? 0) > 0} onStart={send} onClose={onClose} />
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
