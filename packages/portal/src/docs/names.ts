import type { EventType } from '@hooks/core'

/**
 * A name for each event type, no two the same, letters' case apart: some file systems tell no cases apart. Of several that
 * would be one, the later ones get a number.
 */
export function distinctNames(
  events: readonly EventType[],
  nameOf: (type: string) => string,
  reserved: readonly string[] = [],
): ReadonlyMap<string, string> {
  const taken = new Set(reserved.map((name) => name.toLowerCase()))
  return new Map(
    events.map(({ type }) => {
      const first = nameOf(type)
      let name = first
      for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${first}_${n}`
      taken.add(name.toLowerCase())
      return [type, name]
    }),
  )
}

/** What components, and files of schemas, are called: OpenAPI allows letters, digits, full stops, dashes and underscores. */
export function schemaNames(events: readonly EventType[]): (event: EventType) => string {
  const names = distinctNames(events, (type) => type.replace(/[^\w.-]/g, '_'))
  return ({ type }) => names.get(type) ?? type
}
