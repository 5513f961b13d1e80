import { useRef, useState } from 'preact/hooks'
import { post, randomText } from '../api.ts'
import { useBusy, useLoaded } from '../loading.ts'
import { sayProblem } from '../notice.ts'
import { Progress } from '../parts/bars.tsx'
import { Trouble } from '../parts/basics.tsx'
import { Choice } from '../parts/choice.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { hoursAgo, number } from '../times.ts'
import type { Page, Recovered } from '../types.ts'
import { t } from '../words.ts'

/** For those who run the sender, after an outage of their own: what failed is sent again, at everybody's webhooks. */
export function RecoverAll({ onClose }: { onClose: () => void }) {
  const [hours, setHours] = useState(1)
  const [stretch, setStretch] = useState(until(1))
  const [begun, setBegun] = useState<number>()
  const [busy, run] = useBusy()
  // A second try after a lost answer begins nothing twice.
  const once = useRef(randomText())
  const { value, problem, reload } = useLoaded(() => pages({ ...stretch, dryRun: true }), [stretch.since])
  const matching = (value ?? []).reduce((sum, one) => sum + one.matching, 0)
  const start = () =>
    run(async () => {
      try {
        setBegun(0)
        const key = `${once.current} ${stretch.since}`
        setBegun((await pages(stretch, key, setBegun)).length)
      } catch (error) {
        setBegun(undefined)
        sayProblem(error)
      }
    })
  return (
    <Dialog title={t.overview.recoverTitle} onClose={onClose}>
      <p>{t.overview.recoverText}</p>
      {begun === undefined ? (
        <Choice
          label={t.recover.since}
          value={hours}
          choices={t.recover.spans}
          onChange={(span) => {
            setHours(span)
            setStretch(until(span))
          }}
        />
      ) : (
        <Progress
          done={busy ? begun : (value?.length ?? begun)}
          total={value?.length ?? begun}
          label={t.recover.progress}
        />
      )}
      {problem && <Trouble problem={problem} retry={reload} />}
      <p class="count" aria-live="polite">
        {begun !== undefined
          ? busy
            ? t.recover.states.running
            : t.overview.recoverBegun(number(begun))
          : value
            ? t.recover.count(matching, number(matching))
            : !problem && t.recover.counting}{' '}
        {begun === undefined && matching > 0 && value && t.overview.recoverWhere(value.length, number(value.length))}
      </p>
      <div class="actions">
        {/* It stays where it is, so that the second half of a double click hits nothing else. */}
        <button
          type="button"
          class="primary"
          aria-disabled={busy || matching === 0 || begun !== undefined}
          onClick={() => {
            if (matching > 0 && begun === undefined) void start()
          }}
        >
          {t.recover.start}
        </button>
        <button type="button" onClick={onClose}>
          {begun === undefined ? t.cancel : t.close}
        </button>
      </div>
    </Dialog>
  )
}

/** The same stretch for the count and for what is sent. */
const until = (hours: number) => ({ since: hoursAgo(hours), until: hoursAgo(0) })

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
