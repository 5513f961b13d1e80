import { useState } from 'preact/hooks'
import { visible } from '../text.ts'
import { t } from '../words.ts'

/** More than anybody reads, and no more than a browser lays out at once. */
const SHOWN = 20_000

/** A text of somebody else's, as text. It can be scrolled with the keyboard; source code keeps its lines. */
export function Code({ text, label, source = false }: { text: string; label: string; source?: boolean }) {
  const [whole, setWhole] = useState(false)
  const shown = whole || text.length <= SHOWN ? text : text.slice(0, SHOWN)
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached without a mouse */}
      {/* biome-ignore lint/a11y/useSemanticElements: the white space of a pre is its own */}
      <pre class={source ? 'source' : ''} tabIndex={0} role="region" aria-label={label} dir="ltr">
        {visible(shown)}
      </pre>
      {shown.length < text.length && (
        <button type="button" class="small" onClick={() => setWhole(true)}>
          {t.delivery.showAll}
        </button>
      )}
    </>
  )
}
