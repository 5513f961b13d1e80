import type { ComponentChildren } from 'preact'
import { useRef } from 'preact/hooks'

/** What is asked for less often. It closes when something is chosen, when the focus leaves it, and with Escape. */
export function Menu({ label, children }: { label: string; children: ComponentChildren }) {
  const menu = useRef<HTMLDetailsElement>(null)
  const close = () => {
    if (menu.current) menu.current.open = false
  }
  return (
    <details
      ref={menu}
      class="menu"
      onFocusOut={({ relatedTarget }) => {
        if (!(relatedTarget instanceof Node && menu.current?.contains(relatedTarget))) close()
      }}
      onKeyDown={({ key }) => {
        if (key !== 'Escape') return
        close()
        menu.current?.querySelector('summary')?.focus()
      }}
    >
      <summary class="button">{label}</summary>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: it only hears of what its buttons do */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: a click is what the keyboard makes of a button, too */}
      <div class="card" tabIndex={-1} onClick={close}>
        {children}
      </div>
    </details>
  )
}
