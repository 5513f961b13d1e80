import { useEffect, useRef, useState } from 'preact/hooks'
import { get, type Problem, patch, post, problemOf, randomText, tagOf } from '../api.ts'
import { useBusy, useLoaded } from '../loading.ts'
import { say, wordsFor } from '../notice.ts'
import { Loading, Trouble } from '../parts/basics.tsx'
import { Field, TextField } from '../parts/field.tsx'
import { go, link } from '../router.ts'
import type { Endpoint, EventType, Page } from '../types.ts'
import { t } from '../words.ts'
import { draftOf, MoreSettings, readDraft } from './endpoint-settings.tsx'
import { EventPicker } from './event-picker.tsx'
import { fresh } from './secret.tsx'

/** Those that say themselves what is wrong with them. */
const FIELDS = ['url', 'name', 'events', 'description', 'channels', 'rateLimit', 'headers', 'filter']

export function EndpointForm({ id }: { id?: string }) {
  const { value, problem, reload } = useLoaded(
    () =>
      Promise.all([
        get<Page<EventType>>('event-types'),
        id === undefined ? undefined : get<Endpoint>(`endpoints/${id}`),
      ]),
    [id],
  )
  return (
    <>
      <p class="crumb">
        <a href={id === undefined ? link() : link('endpoints', id)}>← {id === undefined ? t.back : t.cancel}</a>
      </p>
      <h1>{id === undefined ? t.form.add : t.form.edit}</h1>
      {problem && <Trouble problem={problem} retry={reload} />}
      {!value && !problem && <Loading />}
      {value && <Form types={value[0].data} endpoint={value[1]} />}
    </>
  )
}

function Form({ types, endpoint }: { types: readonly EventType[]; endpoint: Endpoint | undefined }) {
  const [url, setUrl] = useState(endpoint?.url ?? '')
  const [name, setName] = useState(endpoint?.name ?? '')
  const [events, setEvents] = useState<readonly string[] | null>(endpoint?.events ?? null)
  const [draft, setDraft] = useState(draftOf(endpoint))
  const [problem, setProblem] = useState<Problem | { readonly field: string; readonly text: string }>()
  const [busy, run] = useBusy()
  const form = useRef<HTMLFormElement>(null)
  // A second click, or a second try after a lost answer, makes no second webhook.
  const key = useRef(randomText())
  const tag = useRef(endpoint && tagOf(`endpoints/${endpoint.id}`))

  useEffect(() => {
    if (problem) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }, [problem])

  const save = async () => {
    setProblem(undefined)
    if (events?.length === 0) return setProblem({ field: 'events', text: t.form.chooseOne })
    const settings = readDraft(draft, endpoint)
    if ('wrong' in settings) return setProblem({ field: settings.wrong, text: settings.text })
    const input = { url: url.trim(), events, ...settings.input }
    try {
      if (endpoint) {
        await patch<Endpoint>(
          `endpoints/${endpoint.id}`,
          { ...input, name: name.trim() || null },
          tag.current === undefined ? {} : { 'if-match': tag.current },
        )
        say(t.form.saved)
        return go('endpoints', endpoint.id)
      }
      const made = await post<Endpoint>(
        'endpoints',
        { ...input, ...(name.trim() && { name: name.trim() }) },
        { 'idempotency-key': key.current },
      )
      if (made.secret !== undefined) fresh.value = { id: made.id, secret: made.secret }
      go('endpoints', made.id)
    } catch (error) {
      const found = problemOf(error)
      // An answer that was lost may have been a yes: then the same key gives it again.
      if (found.status >= 400 && found.status < 500) key.current = randomText()
      setProblem(found)
    }
  }

  const text = problem && ('text' in problem ? problem.text : wordsFor(problem))
  const wrong = (field: string) => (problem?.field === field ? text : undefined)
  const choose = (chosen: readonly string[] | null) => {
    setEvents(chosen)
    if (problem?.field === 'events') setProblem(undefined)
  }
  const elsewhere = problem && !FIELDS.includes(problem.field ?? '')
  return (
    <form
      ref={form}
      class="form"
      noValidate
      onInput={({ target }) => {
        // What is being mended is no longer said to be wrong.
        if ((target as Element).closest('[aria-invalid="true"]')) setProblem(undefined)
      }}
      onSubmit={(event) => {
        event.preventDefault()
        void run(save)
      }}
    >
      {elsewhere && (
        <div class="banner bad" role="alert">
          <p>{text}</p>
        </div>
      )}
      <Field label={t.form.url} hint={t.form.urlHint} wrong={wrong('url')}>
        {(attributes) => (
          <input
            {...attributes}
            type="url"
            inputMode="url"
            autoComplete="off"
            spellcheck={false}
            required
            placeholder="https://"
            value={url}
            onInput={({ currentTarget }) => setUrl(currentTarget.value)}
          />
        )}
      </Field>
      <TextField label={t.form.name} hint={t.form.nameHint} wrong={wrong('name')} value={name} onInput={setName} />
      <EventPicker types={types} chosen={events} onChange={choose} wrong={wrong('events')} />
      <MoreSettings
        draft={draft}
        endpoint={endpoint}
        versions={[...new Set(types.flatMap(({ versions }) => versions))]}
        wrong={wrong}
        onChange={setDraft}
      />
      <div class="actions">
        <button type="submit" class="primary" aria-disabled={busy}>
          {endpoint ? t.form.save : t.form.create}
        </button>
        <a class="button" href={endpoint ? link('endpoints', endpoint.id) : link()}>
          {t.cancel}
        </a>
      </div>
    </form>
  )
}
