import { signal } from '@preact/signals'
import { takeToken } from './api.ts'

/** The path behind `#`, in its segments: one page, whatever is shown, so there is no address that a server must know. */
export const route = signal<readonly string[]>([])

export const link = (...segments: readonly string[]) => `#/${segments.map(encodeURIComponent).join('/')}`

export function go(...segments: readonly string[]): void {
  location.hash = link(...segments)
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
  addEventListener('hashchange', () => {
    if (takeToken()) linked()
    read()
  })
  read()
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
