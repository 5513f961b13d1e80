import { useState } from 'preact/hooks'
import { post } from '../api.ts'
import { useBusy } from '../loading.ts'
import { sayProblem } from '../notice.ts'
import { Copy } from '../parts/basics.tsx'
import { Choice } from '../parts/choice.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { link } from '../router.ts'
import { t } from '../words.ts'

/** A secret, the one time that it is shown. */
export function SecretOnce({ secret, onDone }: { secret: string; onDone: () => void }) {
  return (
    <section class="card secret" aria-label={t.secret.title}>
      <h2>{t.secret.title}</h2>
      <p>{t.secret.once}</p>
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
          <p>{t.secret.once}</p>
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
