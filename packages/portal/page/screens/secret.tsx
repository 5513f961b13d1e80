import { useState } from 'preact/hooks'
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

/** A secret that was just made. */
export function SecretOnce({ secret, onDone }: { secret: string; onDone: () => void }) {
  return (
    <section class="card secret" aria-label={t.secret.title}>
      <h2>{t.secret.title}</h2>
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

export function RotateSecret({ id, onClose }: { id: string; onClose: () => void }) {
  const [overlap, setOverlap] = useState(86_400)
  const [secret, setSecret] = useState<string>()
  const [busy, run] = useBusy()
  const rotate = () =>
    run(async () => {
      try {
        const made = await post<{ secret: string }>(`endpoints/${id}/rotate-secret`, { overlapSeconds: overlap })
        setSecret(made.secret)
      } catch (error) {
        sayProblem(error)
      }
    })
  return (
    <Dialog title={t.secret.rotateTitle} onClose={onClose}>
      {secret === undefined ? (
        <>
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
        </>
      ) : (
        <>
          <p>{may('secret:read') ? t.secret.kept : t.secret.once}</p>
          <Secret secret={secret} />
          <div class="actions">
            <button type="button" onClick={onClose}>
              {t.secret.done}
            </button>
          </div>
        </>
      )}
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
