import { signal } from '@preact/signals'
import { takeToken } from './api.ts'

/** The path behind `#`, in its segments: one page, whatever is shown, so there is no address that a server must know. */
export const route = signal<readonly string[]>([])

export const link = (...segments: readonly string[]) => `#/${segments.map(encodeURIComponent).join('/')}`

export function go(...segments: readonly string[]): void {
  location.hash = link(...segments)
}

/** Closes what lies upon another page, so that Back does not open it again. */
export function leave(...under: readonly string[]): void {
  const address = link(...under)
  // In a frame, the last step may have been another one's.
  if (self === top && (history.state as Entry | null)?.from === address) history.back()
  else location.replace(address)
}

/** What is kept with an entry of the history: the address behind `#` that was left for it. */
interface Entry {
  readonly from?: string
}

/** Follows the address. `linked` is called where a portal link is opened in a page that is there already. */
export function followAddress(linked: () => void): void {
  const read = () => {
    route.value = location.hash
      .replace(/^#?\/?/, '')
      .split('/')
      .filter(Boolean)
      .map(decoded)
  }
  addEventListener('hashchange', ({ oldURL }) => {
    if (takeToken()) linked()
    keep({ from: new URL(oldURL).hash })
    read()
  })
  keep({})
  read()
}

/** Of a new entry alone, and not of one that somebody comes back to. */
function keep(entry: Entry): void {
  if (history.state === null) history.replaceState(entry, '')
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
