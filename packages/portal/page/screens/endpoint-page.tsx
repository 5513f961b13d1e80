import { useState } from 'preact/hooks'
import { get, may, post, remove } from '../api.ts'
import { useBusy, useEvery, useLoaded } from '../loading.ts'
import { say, sayProblem } from '../notice.ts'
import { Address, Badge, Copy, Loading, Trouble } from '../parts/basics.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Menu } from '../parts/menu.tsx'
import { go, leave, link } from '../router.ts'
import { visible } from '../text.ts'
import type { Endpoint, EndpointHealth } from '../types.ts'
import { t } from '../words.ts'
import { DeliveryDrawer } from './delivery-drawer.tsx'
import { DeliveryList } from './delivery-list.tsx'
import { Health } from './endpoint-health.tsx'
import { Recover } from './recover.tsx'
import { fresh, RotateSecret, SecretOnce, ShowSecret } from './secret.tsx'
import { SendTest } from './send-test.tsx'

type Asked = 'test' | 'recover' | 'secret' | 'rotate' | 'remove'

/** One webhook: how it is, what was sent to it, and what can be done about it. */
export function EndpointPage({ id, delivery }: { id: string; delivery: string | undefined }) {
  const { value: endpoint, problem, reload, set } = useLoaded(() => get<Endpoint>(`endpoints/${id}`), [id])
  const health = useLoaded(() => get<EndpointHealth>(`endpoints/${id}/health`), [id])
  // A receiver may have it disabled at any time, by a 410.
  useEvery(10_000, () => Promise.all([reload(), health.reload()]), endpoint !== undefined)
  const [asked, setAsked] = useState<Asked>()
  const [changes, setChanges] = useState(0)
  const [busy, run] = useBusy()
  const close = () => setAsked(undefined)
  const changed = () => setChanges((count) => count + 1)

  const turn = (on: boolean) =>
    run(async () => {
      try {
        set(await post<Endpoint>(`endpoints/${id}/${on ? 'enable' : 'disable'}`))
        say(on ? t.endpoint.enabledNow : t.endpoint.disabledNow)
        changed()
      } catch (error) {
        sayProblem(error)
      }
    })
  const pause = (on: boolean) =>
    run(async () => {
      try {
        health.set(await post<EndpointHealth>(`endpoints/${id}/${on ? 'pause' : 'resume'}`))
        say(on ? t.endpoint.pausedNow : t.endpoint.resumedNow)
        changed()
      } catch (error) {
        sayProblem(error)
      }
    })
  const drop = () =>
    run(async () => {
      try {
        await remove(`endpoints/${id}`)
        say(t.endpoint.removed)
        go()
      } catch (error) {
        sayProblem(error)
      }
    })

  if (!endpoint) return problem ? <Trouble problem={problem} retry={reload} /> : <Loading />
  const { url, name, events, enabled, reason, metadata } = endpoint
  const paused = enabled && health.value?.paused === true
  return (
    <>
      <p class="crumb">
        <a href={link()}>← {t.back}</a>
      </p>
      <div class="heading">
        <div>
          <h1>
            <Address text={name ?? url} /> <Badge state={paused ? 'paused' : enabled ? 'on' : 'off'} />
          </h1>
          <p class="dim address">
            {name && (
              <span>
                <Address text={url} />
                &emsp;
              </span>
            )}
            <Copy text={url} kind="quiet" label={t.endpoint.copyUrl} />
          </p>
          {metadata.description && <p>{visible(metadata.description)}</p>}
          <p class="chips">
            {events === null ? (
              <span class="chip">{t.endpoints.allEvents}</span>
            ) : (
              events.map((one) => (
                <span key={one} class="chip">
                  {one}
                </span>
              ))
            )}
          </p>
        </div>
        <div class="actions">
          {/* To one that is disabled nothing can be sent. */}
          {may('attempt:create') && enabled && (
            <>
              <button type="button" class="primary" onClick={() => setAsked('test')}>
                {t.endpoint.test}
              </button>
              <button type="button" onClick={() => setAsked('recover')}>
                {t.endpoint.recover}
              </button>
            </>
          )}
          {(may('endpoint:write') || may('secret:read') || may('secret:rotate')) && (
            <Menu label={t.endpoint.more}>
              {may('endpoint:write') && <a href={link('endpoints', id, 'edit')}>{t.endpoint.edit}</a>}
              {may('secret:read') && (
                <button type="button" onClick={() => setAsked('secret')}>
                  {t.endpoint.showSecret}
                </button>
              )}
              {may('secret:rotate') && (
                <button type="button" onClick={() => setAsked('rotate')}>
                  {t.endpoint.rotate}
                </button>
              )}
              {may('endpoint:write') && enabled && !paused && (
                <button type="button" aria-disabled={busy} onClick={() => void pause(true)}>
                  {t.endpoint.pause}
                </button>
              )}
              {may('endpoint:write') && enabled && (
                <button type="button" aria-disabled={busy} onClick={() => void turn(false)}>
                  {t.endpoint.disable}
                </button>
              )}
              {may('endpoint:write') && (
                <button type="button" class="danger" onClick={() => setAsked('remove')}>
                  {t.endpoint.remove}
                </button>
              )}
            </Menu>
          )}
        </div>
      </div>
      {fresh.value?.id === id && <SecretOnce secret={fresh.value.secret} onDone={() => (fresh.value = undefined)} />}
      {!enabled && (
        <div class="banner warn">
          <div>
            <strong>{t.endpoint.disabledTitle}</strong>
            <p>{t.endpoint.disabledBecause[reason ?? 'manual'] ?? visible(reason ?? '')}</p>
          </div>
          {may('endpoint:write') && (
            <button type="button" class="primary" aria-disabled={busy} onClick={() => void turn(true)}>
              {t.endpoint.enable}
            </button>
          )}
        </div>
      )}
      {paused && (
        <div class="banner warn">
          <div>
            <strong>{t.endpoint.pausedTitle}</strong>
            <p>{t.endpoint.pausedText}</p>
          </div>
          {may('endpoint:write') && (
            <button type="button" class="primary" aria-disabled={busy} onClick={() => void pause(false)}>
              {t.endpoint.resume}
            </button>
          )}
        </div>
      )}
      <Health id={id} changes={changes} />
      <DeliveryList id={id} changes={changes} />
      {asked === 'test' && <SendTest endpoint={endpoint} onSent={changed} onClose={close} />}
      {asked === 'recover' && <Recover id={id} onSent={changed} onClose={close} />}
      {asked === 'secret' && <ShowSecret id={id} onClose={close} />}
      {asked === 'rotate' && <RotateSecret id={id} onClose={close} />}
      {asked === 'remove' && (
        <Dialog title={t.endpoint.removeTitle} onClose={close}>
          <p>{t.endpoint.removeText}</p>
          <div class="actions">
            <button type="button" class="danger primary" aria-disabled={busy} onClick={() => void drop()}>
              {t.endpoint.remove.replace('…', '')}
            </button>
            <button type="button" onClick={close}>
              {t.cancel}
            </button>
          </div>
        </Dialog>
      )}
      {delivery && (
        <DeliveryDrawer
          key={delivery}
          id={delivery}
          onChange={changed}
          onClose={() => {
            if (location.hash === link('endpoints', id, 'deliveries', delivery)) leave('endpoints', id)
          }}
        />
      )}
    </>
  )
}
