import { signal } from '@preact/signals'
import { useLayoutEffect } from 'preact/hooks'
import { notice } from '../notice.ts'

/** How many dialogs are open: the page behind them is seen dimly, and heard not at all. */
const dialogs = signal(0)

/** Says what just happened where it is heard: in the dialog, while there is one. */
export function NoticeLine({ inDialog = false }: { inDialog?: boolean }) {
  useLayoutEffect(() => {
    if (!inDialog) return
    dialogs.value++
    return () => {
      dialogs.value--
    }
  }, [inDialog])
  const shown = inDialog || dialogs.value === 0 ? notice.value : undefined
  return (
    <div class={`notice ${shown?.bad ? 'bad' : ''}`} role="status" aria-live="polite">
      {shown && <p>{shown.text}</p>}
    </div>
  )
}
