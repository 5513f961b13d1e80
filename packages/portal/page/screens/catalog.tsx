import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import { useLoaded } from '../loading.ts'
import { Copy, Empty, Loading, Trouble } from '../parts/basics.tsx'
import { Code } from '../parts/code.tsx'
import { link } from '../router.ts'
import { fieldsOf } from '../schema.ts'
import type { EventType, Page } from '../types.ts'
import { t } from '../words.ts'
import { grouped } from './event-picker.tsx'

/** The catalog: what there is to hear of, and what it looks like. */
export function Catalog({ chosen }: { chosen: string | undefined }) {
  const { value, problem, reload } = useLoaded(() => get<Page<EventType>>('event-types'), [])
  const [find, setFind] = useState('')
  const all = value?.data ?? []
  const found = all.filter(({ type, description = '' }) =>
    `${type} ${description}`.toLowerCase().includes(find.trim().toLowerCase()),
  )
  const shown = all.find(({ type }) => type === chosen) ?? all[0]
  return (
    <>
      <h1>{t.nav.events}</h1>
      <p class="dim">{t.catalog.intro}</p>
      {problem && <Trouble problem={problem} retry={reload} />}
      {!value && !problem && <Loading />}
      {value && all.length === 0 && (
        <Empty>
          <p>{t.catalog.empty}</p>
        </Empty>
      )}
      {shown && (
        <div class="split">
          <div class="list">
            <input
              type="search"
              aria-label={t.form.findEvent}
              placeholder={t.form.findEvent}
              value={find}
              onInput={({ currentTarget }) => setFind(currentTarget.value)}
            />
            <nav aria-label={t.nav.events}>
              {[...grouped(found)].map(([name, members]) => (
                <div key={name}>
                  <h2>{name}</h2>
                  {members.map(({ type }) => (
                    <a key={type} href={link('events', type)} aria-current={type === shown.type ? 'true' : undefined}>
                      <code>{type}</code>
                    </a>
                  ))}
                </div>
              ))}
              {found.length === 0 && <p class="dim">{t.form.noEvent}</p>}
            </nav>
          </div>
          <Type key={shown.type} type={shown} />
        </div>
      )}
    </>
  )
}

function Type({ type: { type, description, deprecated, example, schema, versions, typescript } }: { type: EventType }) {
  const fields = fieldsOf(schema)
  const text = example === undefined ? undefined : JSON.stringify(example, null, 2)
  return (
    <article class="card">
      <h2>
        <code>{type}</code>
      </h2>
      {description && <p>{description}</p>}
      {deprecated !== undefined && (
        <div class="banner warn">
          <p>
            <strong>{t.catalog.deprecated}.</strong> {deprecated}
          </p>
        </div>
      )}
      <h3>{t.catalog.fields}</h3>
      {fields.length === 0 ? (
        <p class="dim">{t.catalog.noSchema}</p>
      ) : (
        <table class="fields">
          <thead>
            <tr>
              <th scope="col">{t.catalog.field}</th>
              <th scope="col">{t.catalog.type}</th>
              <th scope="col" class="wider">
                {t.catalog.meaning}
              </th>
            </tr>
          </thead>
          <tbody>
            {fields.map(({ path, kind, required, about }) => (
              <tr key={path}>
                <td>
                  <code>{path}</code>
                  {required && (
                    <abbr title={t.catalog.required} class="required">
                      *
                    </abbr>
                  )}
                </td>
                <td class="dim">{kind}</td>
                <td class="wider dim">{about}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {fields.some(({ required }) => required) && (
        <p class="dim">
          <span class="required">*</span> {t.catalog.required}
        </p>
      )}
      {text !== undefined && (
        <>
          <h3>{t.catalog.example}</h3>
          <Code text={text} label={t.catalog.example} />
          <div class="actions">
            <Copy text={text} />
          </div>
        </>
      )}
      {typescript !== undefined && (
        <details class="more">
          <summary>{t.catalog.typescript}</summary>
          <Code text={typescript} label={t.catalog.typescript} source />
          <div class="actions">
            <Copy text={typescript} />
          </div>
        </details>
      )}
      {versions.length > 0 && <p class="dim">{t.catalog.versions(versions.join(', '))}</p>}
    </article>
  )
}
