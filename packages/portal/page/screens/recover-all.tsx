import { useState } from 'preact/hooks'
import { post } from '../api.ts'
import { useLoaded } from '../loading.ts'
import { Progress } from '../parts/bars.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { number } from '../times.ts'
import type { Page, Recovered } from '../types.ts'
import { t } from '../words.ts'
import { Matching, StartOrClose, useRecovery } from './recovery.tsx'

/** For those who run the sender, after an outage of their own: what failed is sent again, at everybody's webhooks. */
export function RecoverAll({ onClose }: { onClose: () => void }) {
  const { stretch, since, busy, start } = useRecovery(1)
  const [begun, setBegun] = useState<number>()
  const { value, problem, reload } = useLoaded(() => pages({ ...stretch, dryRun: true }), [stretch.since])
  const matching = value?.reduce((sum, one) => sum + one.matching, 0)
  const webhooks = value?.length ?? begun ?? 0
  const send = () =>
    start(
      async (key) => {
        setBegun(0)
        setBegun((await pages(stretch, key, setBegun)).length)
      },
      () => setBegun(undefined),
    )
  return (
    <Dialog title={t.overview.recoverTitle} onClose={onClose}>
      <p>{t.overview.recoverText}</p>
      {begun === undefined ? (
        <>
          {since}
          <Matching count={matching} problem={problem} retry={reload}>
            {matching !== undefined && matching > 0 && t.overview.recoverWhere(webhooks, number(webhooks))}
          </Matching>
        </>
      ) : (
        <>
          <Progress done={busy ? begun : webhooks} total={webhooks} label={t.recover.progress} />
          <p class="count" aria-live="polite">
            {busy ? t.recover.states.running : t.overview.recoverBegun(number(begun))}
          </p>
        </>
      )}
      {/* It stays where it is, so that the second half of a double click hits nothing else. */}
      <StartOrClose
        ready={!busy && begun === undefined && (matching ?? 0) > 0}
        onStart={send}
        onClose={onClose}
        close={begun === undefined ? t.cancel : t.close}
      />
    </Dialog>
  )
}

/** All pages of webhooks, one after the other. */
async function pages(body: object, key?: string, onPage?: (soFar: number) => void): Promise<readonly Recovered[]> {
  const found: Recovered[] = []
  let cursor: string | null = null
  do {
    const page: Page<Recovered> = await post(
      'overview/recover',
      { ...body, ...(cursor !== null && { cursor }) },
      key === undefined ? {} : { 'idempotency-key': key },
    )
    found.push(...page.data)
    onPage?.(found.length)
    cursor = page.nextCursor
  } while (cursor !== null)
  return found
}
