import { useId, useState } from 'preact/hooks'
import type { EventType } from '../types.ts'
import { t } from '../words.ts'

interface PickerOptions {
  readonly types: readonly EventType[]
  /** Null for all. */
  readonly chosen: readonly string[] | null
  readonly onChange: (chosen: readonly string[] | null) => void
  readonly wrong: string | undefined
}

/** Which events: all, or some of the catalog, by group. */
export function EventPicker({ types, chosen, onChange, wrong }: PickerOptions) {
  const [find, setFind] = useState('')
  const [before, setBefore] = useState<readonly string[]>([])
  const id = useId()
  const names = new Set(types.map(({ type }) => type))
  const patterns = (chosen ?? before).filter((one) => !names.has(one))
  const found = types.filter(({ type, description = '' }) =>
    `${type} ${description}`.toLowerCase().includes(find.trim().toLowerCase()),
  )
  const groups = grouped(found)
  const set = (changed: readonly string[], on: boolean) => {
    const rest = (chosen ?? []).filter((one) => !changed.includes(one))
    onChange(on ? [...rest, ...changed] : rest)
  }
  return (
    <fieldset class="field picker" aria-describedby={`${id}-wrong`}>
      <legend>{t.form.events}</legend>
      <div class="choice">
        <label>
          <input
            type="radio"
            name={id}
            checked={chosen === null}
            onChange={() => {
              setBefore(chosen ?? [])
              onChange(null)
            }}
          />
          <span>
            {t.form.everything} <small class="dim">{t.form.everythingHint}</small>
          </span>
        </label>
        <label>
          <input
            type="radio"
            name={id}
            checked={chosen !== null}
            aria-invalid={wrong !== undefined}
            onChange={() => onChange(before)}
          />
          <span>
            {t.form.chosen} <small class="dim">{t.form.chosenHint}</small>
          </span>
        </label>
      </div>
      <p id={`${id}-wrong`} class="wrong" aria-live="polite">
        {wrong}
      </p>
      {chosen !== null && (
        <div class="card tree">
          <input
            type="search"
            aria-label={t.form.findEvent}
            placeholder={t.form.findEvent}
            value={find}
            onInput={({ currentTarget }) => setFind(currentTarget.value)}
          />
          <div class="groups">
            {patterns.length > 0 && (
              <Group name={t.form.patterns} types={patterns.map(bare)} chosen={chosen} set={set} />
            )}
            {[...groups].map(([name, members]) => (
              <Group key={name} name={name} types={members} chosen={chosen} set={set} />
            ))}
            {found.length === 0 && <p class="dim">{t.form.noEvent}</p>}
          </div>
        </div>
      )}
    </fieldset>
  )
}

interface GroupOptions {
  readonly name: string
  readonly types: readonly EventType[]
  readonly chosen: readonly string[]
  set(types: readonly string[], on: boolean): void
}

function Group({ name, types, chosen, set }: GroupOptions) {
  const names = types.map(({ type }) => type)
  const count = names.filter((one) => chosen.includes(one)).length
  return (
    <fieldset class="group" aria-label={name}>
      <label class="whole">
        <input
          type="checkbox"
          checked={count === names.length}
          indeterminate={count > 0 && count < names.length}
          onChange={({ currentTarget }) => set(names, currentTarget.checked)}
        />
        <span>
          {name}{' '}
          <small class="dim">
            {count}/{names.length}
          </small>
        </span>
      </label>
      {types.map(({ type, description, deprecated }) => (
        <label key={type}>
          <input
            type="checkbox"
            checked={chosen.includes(type)}
            onChange={({ currentTarget }) => set([type], currentTarget.checked)}
          />
          <span>
            <code>{type}</code> {deprecated !== undefined && <small class="badge off">{t.form.deprecated}</small>}
            {description && <small class="dim about">{description}</small>}
          </span>
        </label>
      ))}
    </fieldset>
  )
}

const bare = (type: string): EventType => ({
  type,
  description: undefined,
  group: undefined,
  deprecated: undefined,
  example: undefined,
  schema: undefined,
  versions: [],
  typescript: undefined,
})

/** By group, in the order of the catalog. */
export function grouped(types: readonly EventType[]): Map<string, EventType[]> {
  const groups = new Map<string, EventType[]>()
  for (const one of types) {
    const name = one.group ?? t.form.ungrouped
    groups.set(name, [...(groups.get(name) ?? []), one])
  }
  return groups
}
