import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { type Problem, randomText } from '../api.ts'
import { useBusy } from '../loading.ts'
import { sayProblem } from '../notice.ts'
import { Trouble } from '../parts/basics.tsx'
import { Choice } from '../parts/choice.tsx'
import { hoursAgo, number } from '../times.ts'
import { t } from '../words.ts'

/** The same stretch of time for the count and for what is sent. */
interface Stretch {
  readonly since: string
  readonly until: string
}

const stretchOf = (hours: number) => ({ hours, since: hoursAgo(hours), until: hoursAgo(0) })

/** What was missed since a time, which is chosen, and sending it again. */
export function useRecovery(hours: number) {
  const [stretch, setStretch] = useState(() => stretchOf(hours))
  const [busy, run] = useBusy()
  const once = useRef(randomText())
  const { since, until } = stretch
  return {
    stretch: { since, until } satisfies Stretch,
    busy,
    since: (
      <Choice
        label={t.recover.since}
        value={stretch.hours}
        choices={t.recover.spans}
        onChange={(chosen) => setStretch(stretchOf(chosen))}
      />
    ),
    /** Sends with a key: a second try after a lost answer begins nothing twice. */
    start: (send: (key: string) => Promise<void>, onFailure?: () => void) =>
      run(async () => {
        try {
          await send(`${once.current} ${since}`)
        } catch (error) {
          onFailure?.()
          sayProblem(error)
        }
      }),
  }
}

/** How much there is to send, that it is being counted, or why it could not be. */
export function Matching({
  count,
  problem,
  retry,
  children,
}: {
  count: number | undefined
  problem: Problem | undefined
  retry: () => unknown
  children?: ComponentChildren
}) {
  return (
    <>
      {problem && <Trouble problem={problem} retry={retry} />}
      <p class="count" aria-live="polite">
        {count === undefined ? !problem && t.recover.counting : t.recover.count(count, number(count))} {children}
      </p>
    </>
  )
}

/** Sends, where there is something to send, or closes. */
export function StartOrClose({
  ready,
  onStart,
  onClose,
  close = t.cancel,
}: {
  ready: boolean
  onStart: () => unknown
  onClose: () => void
  close?: string
}) {
  return (
    <div class="actions">
      <button type="button" class="primary" aria-disabled={!ready} onClick={() => ready && void onStart()}>
        {t.recover.start}
      </button>
      <button type="button" onClick={onClose}>
        {close}
      </button>
    </div>
  )
}
