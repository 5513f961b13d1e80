import { Choice } from '../parts/choice.tsx'
import { TextField } from '../parts/field.tsx'
import type { Endpoint } from '../types.ts'
import { t } from '../words.ts'

/** The settings that few need, as they are typed. */
export interface Draft {
  readonly description: string
  readonly channels: string
  readonly rateLimit: string
  readonly payload: 'full' | 'thin'
  readonly version: string
  readonly headers: string
  readonly filter: string
}

/** As the API has it. */
const [LEAST_RATE, MOST_RATE] = [0.0001, 100_000]

export function draftOf(endpoint: Endpoint | undefined): Draft {
  return {
    description: endpoint?.metadata.description ?? '',
    channels: endpoint?.channels?.join(', ') ?? '',
    rateLimit: endpoint?.rateLimit ? String(endpoint.rateLimit) : '',
    payload: endpoint?.payload ?? 'full',
    version: endpoint?.version ?? '',
    headers: '',
    filter: endpoint?.filter ? JSON.stringify(endpoint.filter, null, 2) : '',
  }
}

type Read = { readonly wrong: string; readonly text: string } | { readonly input: Readonly<Record<string, unknown>> }

/** What was typed, as the API takes it; or which field is wrong. */
export function readDraft(draft: Draft, endpoint: Endpoint | undefined): Read {
  const channels = draft.channels
    .split(',')
    .map((one) => one.trim())
    .filter(Boolean)
  const rate = draft.rateLimit.trim() === '' ? null : Number(draft.rateLimit.trim().replace(',', '.'))
  if (rate !== null && !(rate >= LEAST_RATE && rate <= MOST_RATE)) return { wrong: 'rateLimit', text: t.form.rateWrong }
  const lines = draft.headers
    .split('\n')
    .map((one) => one.trim())
    .filter(Boolean)
  const headers = lines.map((line) => /^([^:\s]+)\s*:\s*(.+)$/.exec(line))
  if (headers.includes(null)) return { wrong: 'headers', text: t.form.headersWrong }
  const filter = draft.filter.trim() === '' ? null : parsed(draft.filter)
  if (filter === undefined) return { wrong: 'filter', text: t.form.filterWrong }
  const { description: _before, ...metadata } = endpoint?.metadata ?? {}
  const description = draft.description.trim()
  const input = {
    metadata: { ...metadata, ...(description && { description }) },
    channels: channels.length > 0 ? channels : null,
    rateLimit: rate,
    payload: draft.payload,
    version: draft.version || null,
    filter,
    ...(headers.length > 0 && { headers: Object.fromEntries(headers.map((one) => [one?.[1], one?.[2]])) }),
  }
  // What a new one does not need is left out: so it is made as it always was.
  return { input: endpoint ? input : Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null)) }
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

interface SettingsOptions {
  readonly draft: Draft
  readonly endpoint: Endpoint | undefined
  /** Those of the whole catalog. */
  readonly versions: readonly string[]
  readonly wrong: (field: string) => string | undefined
  readonly onChange: (draft: Draft) => void
}

/** Open where something of it is set, or wrong. */
export function MoreSettings({ draft, endpoint, versions, wrong, onChange }: SettingsOptions) {
  const set = (change: Partial<Draft>) => onChange({ ...draft, ...change })
  const kept = endpoint?.headers ?? []
  const isSet = JSON.stringify(draftOf(endpoint)) !== JSON.stringify(draftOf(undefined)) || kept.length > 0
  const isWrong = ['description', 'channels', 'rateLimit', 'headers', 'filter'].some(wrong)
  return (
    <details class="more" open={isSet || isWrong}>
      <summary>{t.form.settings}</summary>
      <TextField
        label={t.form.description}
        hint={t.form.descriptionHint}
        wrong={wrong('description')}
        value={draft.description}
        onInput={(description) => set({ description })}
      />
      <Choice
        label={t.form.payload}
        value={draft.payload}
        choices={t.form.payloads}
        onChange={(payload) => set({ payload })}
      />
      {versions.length > 0 && (
        <Choice
          label={t.form.version}
          value={draft.version}
          choices={[['', t.form.latest], ...versions.map((one) => [one, one] as const)]}
          onChange={(version) => set({ version })}
        />
      )}
      <TextField
        label={t.form.filter}
        hint={t.form.filterHint}
        wrong={wrong('filter')}
        lines={3}
        value={draft.filter}
        onInput={(filter) => set({ filter })}
      />
      <TextField
        label={t.form.channels}
        hint={t.form.channelsHint}
        wrong={wrong('channels')}
        value={draft.channels}
        onInput={(channels) => set({ channels })}
      />
      <TextField
        label={t.form.rate}
        hint={t.form.rateHint}
        wrong={wrong('rateLimit')}
        numeric
        value={draft.rateLimit}
        onInput={(rateLimit) => set({ rateLimit })}
      />
      <TextField
        label={t.form.headers}
        hint={kept.length > 0 ? `${t.form.headersKept} ${kept.join(', ')}` : t.form.headersHint}
        wrong={wrong('headers')}
        lines={2}
        value={draft.headers}
        onInput={(headers) => set({ headers })}
      />
    </details>
  )
}
