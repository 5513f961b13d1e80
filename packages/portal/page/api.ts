import { signal } from '@preact/signals'
import { setClock } from './times.ts'
import type { Endpoint, Session } from './types.ts'

/** Why the API refused, or that it could not be reached (`offline`). */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly field: string | undefined

  constructor(status: number, code: string, detail: string, field?: string) {
    super(detail)
    this.status = status
    this.code = code
    this.field = field
  }
}

export function problemOf(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, 'internal', String(error))
}

/** Who is looking: `undefined` until it is known, `null` where nobody is let in. */
export const session = signal<Session | null | undefined>(undefined)
/** Why it could not be found out. */
export const closed = signal<Problem | undefined>(undefined)
/** On whose behalf, where there are several. */
export const tenant = signal<string | undefined>(undefined)

// This script is in `assets/`, beside `api/`: so the page needs not be told where it is.
const here = import.meta.url
const ROOT = new URL('../api/', here)
const KEPT = `hooks-portal ${ROOT.pathname}`

let token: string | undefined
/** Whether it came with the address, and was not there before. */
let isNew = false

/**
 * Takes the token of a portal link out of the address, so that it is in no history and no screenshot. It outlives a
 * reload, and not the tab.
 */
export function takeToken(): boolean {
  const given = /^#([\w-]+\.[\w-]+\.[\w-]+)$/.exec(location.hash)?.[1]
  // Where nothing can be kept, the token lives as long as the page.
  if (given) keep('token', given)
  token = given ?? kept('token') ?? token
  isNew = given !== undefined
  if (given) history.replaceState(null, '', `${location.pathname}${location.search}#/`)
  return isNew
}

/** For those who may act for several tenants: the one that they look at, over a reload. */
export function chooseTenant(name: string): void {
  tenant.value = name
  keep('tenant', name)
}

// In a frame of another site a browser may refuse its storage.
function keep(name: string, value: string | undefined): void {
  try {
    if (value === undefined) sessionStorage.removeItem(`${KEPT} ${name}`)
    else sessionStorage.setItem(`${KEPT} ${name}`, value)
  } catch {}
}

function kept(name: string): string | undefined {
  try {
    return sessionStorage.getItem(`${KEPT} ${name}`) ?? undefined
  } catch {
    return undefined
  }
}

/**
 * Finds out who is looking. A portal link that is over lets nobody in; from the next time on it stands in the way of
 * nobody's own session.
 */
export async function openSession(): Promise<void> {
  closed.value = undefined
  try {
    const opened = await request<Session>('GET', new URL('session', ROOT))
    const { tenants } = opened
    const owner = tenants !== 'all' && tenants.length > 1 ? await ownerOfAddress() : undefined
    tenant.value = owner ?? tenant.value ?? kept('tenant')
    if (tenants !== 'all' && !tenants.includes(tenant.value ?? '')) tenant.value = tenants[0]
    session.value = opened
  } catch (error) {
    const problem = problemOf(error)
    if (problem.status !== 401) closed.value = problem
    else {
      const again = token !== undefined && !isNew
      token = undefined
      keep('token', undefined)
      if (again) await openSession()
      else session.value = null
    }
  }
}

/** Whose the webhook is that the address leads to, such as one in a message from a colleague: it is found among all accounts. */
async function ownerOfAddress(): Promise<string | undefined> {
  const [, id] = /^#\/endpoints\/([^/]+)/.exec(location.hash) ?? []
  if (id === undefined || id === 'new') return undefined
  const found = await request<Endpoint>('GET', new URL(`v1/endpoints/${id}`, ROOT)).catch(() => undefined)
  return found?.tenant
}

/** Whether those who run the sender are looking, who may act for every tenant. */
export const isOperator = () => session.value?.tenants === 'all'

export function may(capability: string): boolean {
  const can = session.value?.can
  return can === 'all' || can?.includes(capability) === true
}

const tags = new Map<string, string>()

/** The revision of what was last read at a path, for a change that is to fail where somebody else changed it since. */
export const tagOf = (path: string) => tags.get(new URL(`v1/${path}`, ROOT).pathname)

type Query = Readonly<Record<string, string | number | undefined>>

export const get = <T>(path: string, query?: Query) => call<T>('GET', path, query)
export const post = <T>(path: string, body?: object, headers?: Record<string, string>) =>
  call<T>('POST', path, {}, body, headers)
export const patch = <T>(path: string, body: object, headers?: Record<string, string>) =>
  call<T>('PATCH', path, {}, body, headers)
export const remove = (path: string) => call<void>('DELETE', path)

function call<T>(method: string, path: string, query: Query = {}, body?: object, headers?: Record<string, string>) {
  const url = new URL(`v1/${path}`, ROOT)
  if (tenant.value !== undefined && (session.value?.tenants.length ?? 0) > 1)
    url.searchParams.set('tenant', tenant.value)
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value))
  return request<T>(method, url, body, headers)
}

async function request<T>(method: string, url: URL, body?: object, headers: Record<string, string> = {}): Promise<T> {
  let response: Response
  let text: string
  try {
    response = await fetch(url, {
      method,
      headers: {
        ...headers,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    text = await response.text()
  } catch {
    throw new Problem(0, 'offline', 'The server cannot be reached.')
  }
  setClock(response.headers.get('date'))
  const tag = response.headers.get('etag')
  if (tag !== null) tags.set(url.pathname, tag)
  const value = text === '' ? undefined : parsed(text)
  if (response.ok) return value as T
  // A change that was refused keeps its form: there may be a session again before it is sent once more.
  if (response.status === 401 && method === 'GET' && session.value) session.value = null
  const { code = 'internal', detail = response.statusText, field } = (value ?? {}) as Record<string, string>
  throw new Problem(response.status, code, detail, field)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** For an `Idempotency-Key`. Not `randomUUID`, which is there over https alone. */
export function randomText(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((one) => one.toString(36)).join('')
}
