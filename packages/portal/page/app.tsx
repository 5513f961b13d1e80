import { useEffect, useRef } from 'preact/hooks'
import { chooseTenant, closed, isOperator, openSession, session, tenant } from './api.ts'
import { options } from './options.ts'
import { Empty, Loading, Trouble } from './parts/basics.tsx'
import { NoticeLine } from './parts/notice-line.tsx'
import { link, route } from './router.ts'
import { Catalog } from './screens/catalog.tsx'
import { EndpointForm } from './screens/endpoint-form.tsx'
import { EndpointPage } from './screens/endpoint-page.tsx'
import { Endpoints } from './screens/endpoints.tsx'
import { Overview } from './screens/overview.tsx'
import { Verify } from './screens/verify.tsx'
import { t } from './words.ts'

const SECTIONS = ['endpoints', 'events', 'verify'] as const

export function App() {
  const { brand } = options
  const [section = 'endpoints'] = route.value
  const main = useRef<HTMLElement>(null)
  const screen = route.value.slice(0, route.value[0] === 'endpoints' ? 3 : 1).join('/')
  const first = useRef(true)
  useEffect(() => {
    // Who cannot see that the screen has changed hears of it.
    if (!first.current && !document.querySelector('dialog[open]')) main.current?.focus()
    first.current = false
  }, [screen])
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        {t.skip}
      </button>
      <header class="top">
        <div class="wide">
          <a class="brand" href={link()}>
            {brand.logo ? <img src={brand.logo} alt="" /> : <Mark />}
            <span>{brand.name ?? t.title}</span>
          </a>
          <nav aria-label={t.nav.label}>
            {isOperator() && (
              <a href={link('overview')} aria-current={section === 'overview' || !tenant.value ? 'page' : undefined}>
                {t.nav.overview}
              </a>
            )}
            {SECTIONS.filter(() => !isOperator() || tenant.value).map((name) => (
              <a key={name} href={link(name)} aria-current={section === name ? 'page' : undefined}>
                {t.nav[name]}
              </a>
            ))}
          </nav>
          <div class="out">
            <Tenants />
            {brand.links?.map(({ label, url }) => (
              <a key={url} href={url} target="_top">
                {label}
              </a>
            ))}
          </div>
        </div>
      </header>
      <main id="content" class="wide" ref={main} tabIndex={-1}>
        <Screen key={tenant.value} />
      </main>
      <NoticeLine />
    </>
  )
}

function Screen() {
  const [section = 'endpoints', id, part, delivery] = route.value
  if (session.value === undefined)
    return closed.value ? <Trouble problem={closed.value} retry={openSession} /> : <Loading />
  if (session.value === null)
    return (
      <Empty title={t.closed.title}>
        <p>{t.closed.text}</p>
      </Empty>
    )
  // Whose webhooks somebody who runs the sender wants to see, they choose there.
  if (isOperator() && (section === 'overview' || !tenant.value)) return <Overview />
  if (section === 'events') return <Catalog chosen={id} />
  if (section === 'verify') return <Verify />
  if (section !== 'endpoints') return <Empty title={t.notFound} />
  if (id === undefined) return <Endpoints />
  if (id === 'new') return <EndpointForm />
  if (part === 'edit') return <EndpointForm id={id} />
  return <EndpointPage id={id} delivery={part === 'deliveries' ? delivery : undefined} />
}

function Tenants() {
  const tenants = session.value?.tenants ?? []
  if (tenants === 'all') return tenant.value ? <span class="badge tenant">{tenant.value}</span> : null
  if (tenants.length < 2) return null
  return (
    <label>
      <span class="unseen">{t.tenant}</span>
      <select
        value={tenant.value}
        onChange={({ currentTarget }) => {
          chooseTenant(currentTarget.value)
          location.hash = link()
        }}
      >
        {tenants.map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
    </label>
  )
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <rect width="24" height="24" rx="7" />
      <path d="M8 7v6a4 4 0 1 0 8 0v-1m0 0 2.2 2M16 12l-2.2 2" />
    </svg>
  )
}
