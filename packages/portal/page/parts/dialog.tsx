import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { t } from '../words.ts'
import { NoticeLine } from './notice-line.tsx'

interface DialogOptions {
  readonly title: string
  readonly onClose: () => void
  /** At the side of the page, for what is read; in the middle otherwise. */
  readonly side?: boolean
  readonly children: ComponentChildren
}

/** The browser's own dialog: it keeps the focus, gives it back, and closes with Escape. */
export function Dialog({ title, onClose, side = false, children }: DialogOptions) {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  useEffect(() => {
    const opener = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (opener instanceof HTMLElement) opener.focus()
    }
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape is the dialog's own
    <dialog
      ref={dialog}
      class={side ? 'drawer' : ''}
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => {
        // Beside it; but for the second half of a double click, under which it may have become smaller.
        if (event.target === dialog.current && event.detail < 2) dialog.current?.close()
      }}
    >
      <div class="inside">
        <header>
          <h2 id={id}>{title}</h2>
          <button type="button" class="icon" aria-label={t.close} onClick={() => dialog.current?.close()}>
            <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
              <path d="m3 3 10 10M13 3 3 13" />
            </svg>
          </button>
        </header>
        {children}
      </div>
      <NoticeLine inDialog />
    </dialog>
  )
}
