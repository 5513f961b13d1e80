import { type ComponentChildren, Fragment } from 'preact'
import { useState } from 'preact/hooks'
import type { Problem } from '../api.ts'
import { wordsFor } from '../notice.ts'
import { visible } from '../text.ts'
import { ago, exact } from '../times.ts'
import type { State } from '../types.ts'
import { t } from '../words.ts'

/** The name of an event, which may break where it has a dot. */
export function EventName({ type }: { type: string }) {
  return <code>{breaking(type, /(?<=[._])/)}</code>
}

/** A stranger's URL, or name, which may break behind what parts it rather than within a word. */
export function Address({ text }: { text: string }) {
  return <>{breaking(visible(text), /(?<=[./?&=_-])(?![./?&=_-])/)}</>
}

const breaking = (text: string, at: RegExp) =>
  text.split(at).map((part, i) => (
    <Fragment key={i}>
      {part}
      <wbr />
    </Fragment>
  ))

/** A time as people say it; the exact one on hovering. */
export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exact(at)}>
      {ago(at)}
    </time>
  )
}

export function Badge({ state }: { state: State | 'on' | 'off' | 'paused' | 'failing' }) {
  const text = t.endpoint.states[state] ?? t.deliveries.states[state]
  return <span class={`badge ${state}`}>{text}</span>
}

export function Copy({ text, label = t.copy, kind = '' }: { text: string; label?: string; kind?: string }) {
  const [said, setSaid] = useState<string>()
  const copy = async () => {
    setSaid((await copyText(text)) ? t.copied : t.notCopied)
    setTimeout(() => setSaid(undefined), 2_000)
  }
  return (
    <button type="button" class={`small ${kind}`} onClick={() => void copy()}>
      <span aria-live="polite">{said ?? label}</span>
    </button>
  )
}

/** Whether it is copied. In a frame a browser may refuse its clipboard; selecting and copying mostly still works. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    const field = document.createElement('textarea')
    field.value = text
    field.className = 'unseen'
    ;(document.querySelector('dialog[open]') ?? document.body).append(field)
    field.select()
    const isCopied = document.execCommand('copy')
    field.remove()
    return isCopied
  }
}

export function Loading() {
  return (
    <p class="loading" role="status">
      {t.loading}
    </p>
  )
}

export function Trouble({ problem, retry }: { problem: Problem; retry?: () => unknown }) {
  return (
    <div class="banner bad" role="alert">
      <p>{wordsFor(problem)}</p>
      {retry && (
        <button type="button" class="small" onClick={() => void retry()}>
          {t.retry}
        </button>
      )}
    </div>
  )
}

export function Empty({ title, children }: { title?: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <svg viewBox="0 0 48 48" width="44" height="44" aria-hidden="true">
        <circle cx="15" cy="34" r="6" />
        <circle cx="24" cy="13" r="6" />
        <circle cx="34" cy="34" r="6" />
        <path d="M17.5 28.5 22 19M21 34h7M26.5 19l4.5 9.5" />
      </svg>
      {title && <h2>{title}</h2>}
      {children}
    </div>
  )
}
