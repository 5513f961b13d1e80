import { signal } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import { get, may, post } from '../api.ts'
import { useBusy, useLoaded } from '../loading.ts'
import { sayProblem } from '../notice.ts'
import { Copy, Loading, Trouble } from '../parts/basics.tsx'
import { Choice } from '../parts/choice.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { link } from '../router.ts'
import { exact } from '../times.ts'
import type { Secret as Live, Page } from '../types.ts'
import { t } from '../words.ts'

/** A secret that was just made: it is in one answer, and kept no longer than until it is read. */
export const fresh = signal<{ readonly id: string; readonly secret: string } | undefined>(undefined)

/** Shows a secret that was just made, to the eye and to the ear, until somebody says that they have it. */
export function SecretOnce({ secret, onDone }: { secret: string; onDone: () => void }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [secret])
  return (
    <section class="card secret" aria-label={t.secret.title}>
      <h2 ref={heading} tabIndex={-1}>
        {t.secret.title}
      </h2>
      <p>{may('secret:read') ? t.secret.kept : t.secret.once}</p>
      <Secret secret={secret} />
      <div class="actions">
        <button type="button" onClick={onDone}>
          {t.secret.done}
        </button>
        <a href={link('verify')}>{t.secret.howTo}</a>
      </div>
    </section>
  )
}

/** Makes a new secret. It is shown by the page itself, so that no dialog that is closed takes it along. */
export function RotateSecret({ id, onClose }: { id: string; onClose: () => void }) {
  const [overlap, setOverlap] = useState(86_400)
  const [busy, run] = useBusy()
  const rotate = () =>
    run(async () => {
      try {
        const made = await post<{ secret: string }>(`endpoints/${id}/rotate-secret`, { overlapSeconds: overlap })
        fresh.value = { id, secret: made.secret }
        onClose()
      } catch (error) {
        sayProblem(error)
      }
    })
  return (
    <Dialog title={t.secret.rotateTitle} onClose={onClose}>
      <p>{t.secret.rotateText}</p>
      <Choice label={t.secret.overlap} value={overlap} choices={t.secret.overlaps} onChange={setOverlap} />
      <div class="actions">
        <button type="button" class="primary" aria-disabled={busy} onClick={() => void rotate()}>
          {t.secret.rotate}
        </button>
        <button type="button" onClick={onClose}>
          {t.cancel}
        </button>
      </div>
    </Dialog>
  )
}

/** The secrets that sign, for whoever may see them; during a change that is more than one. */
export function ShowSecret({ id, onClose }: { id: string; onClose: () => void }) {
  const { value, problem, reload } = useLoaded(() => get<Page<Live>>(`endpoints/${id}/secrets`), [id])
  return (
    <Dialog title={t.secret.showTitle} onClose={onClose}>
      <p>{t.secret.showText}</p>
      {problem && <Trouble problem={problem} retry={reload} />}
      {!value && !problem && <Loading />}
      {value?.data.map(({ secret, signsFrom, signsUntil }) => (
        <div key={secret}>
          <h3>
            {signsFrom
              ? `${t.secret.coming}, ${t.secret.from} ${exact(signsFrom)}`
              : signsUntil
                ? `${t.secret.old}, ${t.secret.until} ${exact(signsUntil)}`
                : t.secret.current}
          </h3>
          <Secret secret={secret} />
        </div>
      ))}
      <div class="actions">
        <button type="button" onClick={onClose}>
          {t.close}
        </button>
      </div>
    </Dialog>
  )
}

function Secret({ secret }: { secret: string }) {
  return (
    <div class="reveal">
      <input
        aria-label={t.secret.label}
        readOnly
        value={secret}
        spellcheck={false}
        onFocus={({ currentTarget }) => currentTarget.select()}
      />
      <Copy text={secret} kind="primary" />
    </div>
  )
}
