import {
  type Clock,
  ConfigurationError,
  type Duration,
  equalBytes,
  joinBytes,
  Key,
  type MaybePromise,
  parseJson,
  platformCrypto,
  toMs,
} from '@hooks/core'
import { type Access, areCapabilities, type Capability } from '../access.ts'

/** How portal links are signed, and when they end before their time. */
export interface PortalLinksOptions {
  /** At least 32 characters. Of several the first one signs, and all are taken. */
  readonly secret: string | readonly string[]
  /**
   * Whether a link lets nobody in any more: asked at every request that comes with one, so that what a person was given
   * can be taken back. None is by default. Where it throws, nobody is let in.
   *
   * @example
   * revoked: async ({ id, tenant, createdAt }) => id === null || (await isRevoked(id)) || createdAt < (await leftAt(tenant))
   */
  readonly revoked?: (link: PortalLink) => MaybePromise<boolean>
}

/** A link as its token tells of it. */
export interface PortalLink {
  /** The host's own, where one was given. */
  readonly id: string | null
  readonly tenant: string
  readonly user: string | null
  readonly createdAt: Date
}

/** What a portal link lets its holder do. */
export interface PortalLinkOptions {
  readonly tenant: string
  /** `all` by default. */
  readonly can?: 'all' | readonly Capability[]
  /** How long it lets in: 1 h by default, 24 h at most. */
  readonly ttl?: Duration
  /** Who it is made for, for the host's own log. */
  readonly user?: string
  /** A name for it, by which it can be revoked: up to 200 characters. */
  readonly id?: string
}

/** Makes and reads the tokens of portal links. */
export interface PortalLinks {
  /** @throws ConfigurationError `option_invalid` */
  create(options: PortalLinkOptions): Promise<string>
  /** Undefined where the request has no token of ours; null where it has one that lets nobody in. */
  accessOf(request: Request): Promise<Access | null | undefined>
}

interface Claims {
  readonly aud: string
  readonly sub: string
  readonly iat: number
  readonly exp: number
  readonly jti?: string
  readonly can?: readonly Capability[]
  readonly user?: string
}

/** Its `typ` sets it apart from the host's own tokens; nothing else is accepted, so there is no `alg` to choose. */
const HEADER = encoded({ alg: 'HS256', typ: 'portal+jwt' })
const AUDIENCE = 'hooks-portal'
const LONGEST_MS = 86_400_000
const LEAST_SECRET = 32
const LONGEST_TOKEN = 4_096
const LONGEST_ID = 200

/**
 * Tokens for portal links: JSON Web Tokens (RFC 7519) under HMAC-SHA-256, as short as their claims. With several secrets
 * the first one signs, and all are taken.
 *
 * @throws ConfigurationError `option_invalid`
 */
export function createPortalLinks({ secret, revoked }: PortalLinksOptions, clock: Clock): PortalLinks {
  const secrets = typeof secret === 'string' ? [secret] : secret
  if (secrets.length === 0 || !secrets.every((one) => typeof one === 'string' && one.length >= LEAST_SECRET)) {
    throw new ConfigurationError('option_invalid', `links.secret is shorter than ${LEAST_SECRET} characters`, {
      hint: 'take 32 random bytes as text, such as the output of: openssl rand -base64 32',
    })
  }
  const keys = secrets.map((one) => new Key('hmac-sha256', joinBytes([one])))
  const crypto = platformCrypto()
  const signed = async (text: string, key: Key) => base64url(await crypto.sign('hmac-sha256', key, [text]))

  async function claimsOf(token: string): Promise<Claims | null> {
    const [header, payload = '', signature = '', more] = token.split('.')
    if (header !== HEADER || more !== undefined) return null
    const given = joinBytes([signature])
    const made = await Promise.all(keys.map((key) => signed(`${header}.${payload}`, key)))
    if (!made.some((one) => equalBytes(joinBytes([one]), given))) return null
    const claims = parseJson(bytesOf(payload)) as Claims
    return claims.aud === AUDIENCE && clock.now().getTime() < claims.exp * 1000 ? claims : null
  }

  return {
    async create({ tenant, can, ttl = '1h', user, id }) {
      const ms = toMs(ttl, 'ttl')
      if (ms < 1_000 || ms > LONGEST_MS)
        throw new ConfigurationError('option_invalid', 'the ttl of a portal link is from 1 s to 24 h')
      if (typeof tenant !== 'string' || tenant === '')
        throw new ConfigurationError('option_invalid', 'a portal link is made for one tenant')
      if (id !== undefined && (typeof id !== 'string' || id === '' || id.length > LONGEST_ID))
        throw new ConfigurationError(
          'option_invalid',
          `the id of a portal link is a text of 1 to ${LONGEST_ID} characters`,
        )
      if (can !== undefined && !areCapabilities(can))
        throw new ConfigurationError('option_invalid', 'a portal link can do what there is not', {
          hint: "can is 'all', or a list such as ['read', 'attempt:create']",
        })
      const now = clock.now().getTime()
      const claims: Claims = {
        aud: AUDIENCE,
        sub: tenant,
        iat: Math.floor(now / 1000),
        exp: Math.floor((now + ms) / 1000),
        ...(id !== undefined && { jti: id }),
        ...(can && can !== 'all' && { can }),
        ...(user !== undefined && { user }),
      }
      const text = `${HEADER}.${encoded(claims)}`
      return `${text}.${await signed(text, keys[0] as Key)}`
    },
    async accessOf({ headers }) {
      const token = /^Bearer +([\w.-]+) *$/i.exec(headers.get('authorization') ?? '')?.[1]
      if (!token?.startsWith(`${HEADER}.`)) return undefined
      if (token.length > LONGEST_TOKEN) return null
      const claims = await claimsOf(token)
      if (!claims) return null
      const { sub, can, user, jti: id = null, iat } = claims
      const link = { id, tenant: sub, user: user ?? null, createdAt: new Date(iat * 1000) }
      if (await revoked?.(link)) return null
      return { tenants: [sub], ...(can && { can }), ...(user !== undefined && { user }) }
    },
  }
}

function encoded(value: object): string {
  return base64url(joinBytes([JSON.stringify(value)]))
}

function base64url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

function bytesOf(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0))
}
