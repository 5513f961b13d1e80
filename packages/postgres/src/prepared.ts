import { sqlState } from './failures.ts'

/** Which statements go under a name, by which a connection keeps them planned. */
export interface Prepared {
  /** The name that a run of `text` has; undefined where it is planned anew. */
  nameOf(text: string): string | undefined
  /** Whether it was the name that `error` complains of. Then there are no names any more, and nothing was run. */
  refused(error: unknown): boolean
}

/** No such statement on this connection, or it is there already: a pooler gives transactions other connections. */
const REFUSALS = new Set(['26000', '42P05'])

/** Names for the statements that run all the time, as long as the server knows them. */
export function createPrepared(enabled: boolean): Prepared {
  const names = new Map<string, string>()
  let isOn = enabled
  return {
    nameOf(text) {
      if (!isOn) return undefined
      let name = names.get(text)
      if (name === undefined) {
        // Of its text: versions of this package, and schemas, share the connections of a pool.
        name = `hooks_${digest(text, 0x811c9dc5)}${digest(text, 0x9747b28c)}`
        names.set(text, name)
      }
      return name
    },
    refused(error) {
      if (!isOn || !REFUSALS.has(sqlState(error) ?? '')) return false
      isOn = false
      return true
    },
  }
}

/** FNV-1a, 32 bits, from a basis of one's own. */
function digest(text: string, basis: number): string {
  let hash = basis
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
