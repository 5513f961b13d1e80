import { ConfigurationError, toMs } from '@hooks/core'
import { type Flags, type Option, optionOf, UsageError } from './command.ts'
import type { Io } from './io.ts'

/** The management API in its canonical form, as a portal serves it below `api` and `createManagementApi` by itself. */
export interface Api {
  call<T>(method: 'GET' | 'POST', path: string, given?: Given): Promise<T>
}

/** What goes with a call. */
export interface Given {
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: object
  readonly idempotencyKey?: string
}

const EXAMPLE = 'https://app.example/settings/webhooks/api'

export const API: Readonly<Record<string, Option>> = {
  url: { about: `what stands before its /v1, such as ${EXAMPLE}; HOOKS_URL by default` },
  tenant: { about: 'for whom, where the token may act for several' },
  json: { about: 'a line of JSON for each', kind: 'flag' },
}

/** Why the API refused. */
export class ApiProblem extends Error {
  readonly code: string
  readonly status: number

  constructor(status: number, code: string, detail: string) {
    super(`${detail} (${code})`)
    this.status = status
    this.code = code
  }
}

/** @throws ConfigurationError `option_invalid` */
export function apiOf(flags: Flags, { env, fetch }: Io): Api {
  const base = optionOf(flags, 'url') ?? env.HOOKS_URL
  if (base === undefined || !URL.canParse(base) || !/^https?:/.test(base))
    throw new ConfigurationError('option_invalid', 'it is not known where the API is', {
      hint: `put its URL in HOOKS_URL, such as ${EXAMPLE}, and a token in HOOKS_TOKEN`,
    })
  const { username, password } = new URL(base)
  if (username || password)
    throw new ConfigurationError('option_invalid', 'the URL of the API has a name or a password in it', {
      hint: 'put the URL alone in HOOKS_URL, and a token in HOOKS_TOKEN',
    })
  const tenant = optionOf(flags, 'tenant')
  return {
    async call<T>(method: 'GET' | 'POST', path: string, { query = {}, body, idempotencyKey }: Given = {}) {
      const url = new URL(`${base.replace(/\/+$/, '')}/v1/${path}`)
      for (const [name, value] of Object.entries({ ...query, tenant }))
        if (value !== undefined) url.searchParams.set(name, String(value))
      const headers: Record<string, string> = { accept: 'application/json' }
      if (env.HOOKS_TOKEN) headers.authorization = `Bearer ${env.HOOKS_TOKEN}`
      if (body) headers['content-type'] = 'application/json'
      if (idempotencyKey !== undefined) headers['idempotency-key'] = idempotencyKey
      let response: Response
      let text: string
      try {
        response = await fetch(new Request(url, { method, headers, ...(body && { body: JSON.stringify(body) }) }))
        text = await response.text()
      } catch {
        throw new ApiProblem(0, 'offline', `${url.origin} cannot be reached`)
      }
      const value = parsed(text)
      if (response.ok && value !== undefined) return value as T
      const { code, detail } = (value ?? {}) as { readonly code?: string; readonly detail?: string }
      if (response.status === 404 && (code ?? 'not_found') === 'not_found')
        throw new ConfigurationError('option_invalid', `there is no API at ${url.origin}${url.pathname}`, {
          hint: `HOOKS_URL is what stands before its /v1, such as ${EXAMPLE}`,
        })
      const words = response.ok ? 'the answer is no JSON: is the URL that of the API?' : `status ${response.status}`
      throw new ApiProblem(response.status, code ?? 'no_api', detail ?? words)
    },
  }
}

/** An ISO time, or how long ago: `2h`, `7d`. @throws UsageError */
export function timeOf(flags: Flags, name: string, { clock }: Io): string | undefined {
  const text = optionOf(flags, name)
  if (text === undefined) return undefined
  if (/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) return isoOf(clock.now().getTime() - toMs(text as '1h', name), name)
  return isoOf(Date.parse(text), name)
}

function isoOf(time: number, name: string): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) throw new UsageError(`--${name} is a time, or how long ago, such as 2h`)
  return date.toISOString()
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
