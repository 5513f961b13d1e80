import { useState } from 'preact/hooks'
import { get, post } from '../api.ts'
import { useBusy, useLoaded } from '../loading.ts'
import { say, sayProblem } from '../notice.ts'
import { Loading, Trouble } from '../parts/basics.tsx'
import { Choice } from '../parts/choice.tsx'
import { Dialog } from '../parts/dialog.tsx'
import type { Endpoint, EventType, Page } from '../types.ts'
import { t } from '../words.ts'

interface SendTestOptions {
  readonly endpoint: Endpoint
  readonly onSent: () => void
  readonly onClose: () => void
}

/** Sends the example of an event to one endpoint. */
export function SendTest({ endpoint, onSent, onClose }: SendTestOptions) {
  const { value, problem, reload } = useLoaded(() => get<Page<EventType>>('event-types'), [])
  const [event, setEvent] = useState<string>()
  const [busy, run] = useBusy()
  const types = (value?.data ?? []).filter(({ example }) => example !== undefined)
  const first = types.find(({ type }) => endpoint.events?.includes(type)) ?? types[0]
  const chosen = event ?? first?.type
  const send = () =>
    run(async () => {
      try {
        await post(`endpoints/${endpoint.id}/test`, { event: chosen })
        say(t.test.sent)
        onSent()
        onClose()
      } catch (error) {
        sayProblem(error)
      }
    })
  return (
    <Dialog title={t.test.title} onClose={onClose}>
      <p>{t.test.text}</p>
      {problem && <Trouble problem={problem} retry={reload} />}
      {!value && !problem && <Loading />}
      {value && types.length === 0 && <p class="dim">{t.test.noExample}</p>}
      {types.length > 0 && (
        <>
          <Choice
            label={t.test.event}
            value={chosen}
            choices={types.map(({ type }) => [type, type])}
            onChange={setEvent}
          />
          <div class="actions">
            <button type="button" class="primary" aria-disabled={busy} onClick={() => void send()}>
              {t.test.send}
            </button>
            <button type="button" onClick={onClose}>
              {t.cancel}
            </button>
          </div>
        </>
      )}
    </Dialog>
  )
}
