import {
  headerBag,
  hmacFormat,
  type KeySet,
  part,
  platformCrypto,
  StorageError,
  silentLogger,
  standardWebhooks,
  verifyRequest,
  type WireFormat,
} from '@hooks/core'
import { describe, expect, it, vi } from 'vitest'
import { createSender } from '../src/index.ts'
import { createKeyring } from '../src/keyring.ts'
import type { TransportRequest } from '../src/seams.ts'
import { seededRandom } from '../src/testing/seeded-random.ts'
import { virtualClock } from '../src/testing/virtual-clock.ts'
import { HOUR, stage } from './stage.ts'

const code = (wanted: string) => expect.objectContaining({ code: wanted })
const key = (byte: number) => Buffer.alloc(32, byte).toString('base64')
const oneKey = { current: 'k1', keys: { k1: key(1) } }
const twoKeys = { current: 'k2', keys: { k1: key(1), k2: key(2) } }
const textFormat = () =>
  hmacFormat({
    name: 'plain',
    secret: 'text',
    body: { id: part.deliveryId, type: part.type, data: part.data },
    headers: { 'x-plain-time': part.sentAt('unix') },
    signature: { header: 'x-plain-signature', encoding: 'hex', over: [part.header('x-plain-time'), '.', part.body] },
  })

/** Which of some secrets verify a request. */
async function verifiers(
  request: TransportRequest | undefined,
  secrets: readonly string[],
  at: Date,
  format: WireFormat = standardWebhooks(),
): Promise<string[]> {
  if (!request) throw new Error('there is no such request')
  const { url, headers, body } = request
  const raw = { method: 'POST', url: url.href, headers: headerBag(headers), body }
  const clock = { ...virtualClock(at), now: () => at }
  const verified: string[] = []
  for (const secret of secrets) {
    const keys: KeySet[] = [{ keyId: '0', keys: format.keys(secret, 'verify') }]
    await verifyRequest(format, keys, raw, clock, platformCrypto()).then(
      () => verified.push(secret),
      () => {},
    )
  }
  return verified
}

describe('a keyring', () => {
  const random = seededRandom(3)

  it('opens what it sealed, under another nonce each time', () => {
    const keyring = createKeyring(oneKey, random)
    const [a, b] = [keyring.seal('whsec_abc', 'ep_1'), keyring.seal('whsec_abc', 'ep_1')]
    expect(a).toMatchObject({ keyId: 'k1' })
    expect(a.sealed).not.toBe(b.sealed)
    expect([keyring.open(a, 'ep_1'), keyring.open(b, 'ep_1')]).toEqual(['whsec_abc', 'whsec_abc'])
  })

  it('opens nothing for another endpoint, under another key, or that was changed', () => {
    const keyring = createKeyring(oneKey, random)
    const sealed = keyring.seal('whsec_abc', 'ep_1')
    const bytes = Buffer.from(sealed.sealed, 'base64')
    expect(() => keyring.open(sealed, 'ep_2')).toThrow(code('secret_sealed'))
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] as number) ^ 1
      expect(() => keyring.open({ ...sealed, sealed: changed.toString('base64') }, 'ep_1')).toThrow(
        code('secret_sealed'),
      )
    }
    for (const sealedAs of ['', 'AAAA', 'no base64!'])
      expect(() => keyring.open({ ...sealed, sealed: sealedAs }, 'ep_1')).toThrow(code('secret_sealed'))
    const other = createKeyring({ current: 'k1', keys: { k1: key(9) } }, random)
    expect(() => other.open(sealed, 'ep_1')).toThrow(code('secret_sealed'))
    const without = createKeyring(undefined, random)
    expect(() => without.open(sealed, 'ep_1')).toThrow(code('secret_sealed'))
  })

  it('opens with an old key what it sealed with that, and stores as it is without keys', () => {
    const sealed = createKeyring(oneKey, random).seal('text', 'ep_1')
    expect(createKeyring(twoKeys, random).open(sealed, 'ep_1')).toBe('text')
    expect(createKeyring(undefined, random).seal('text', 'ep_1')).toEqual({ keyId: null, sealed: 'text' })
  })

  it('refuses keys that are none', () => {
    for (const keyring of [
      { current: 'k', keys: {} },
      { current: 'k', keys: { k: 'c2hvcnQ=' } },
      { current: 'k', keys: { k: new Uint8Array(16) } },
    ])
      expect(() => createKeyring(keyring, random)).toThrow(code('option_invalid'))
  })
})

describe('secrets in the storage', () => {
  it('are sealed, sign all the same, and are sealed anew under a new key', async () => {
    const { hooks, clock, storage, requests, contract, transport, random, endpoint } = await stage(() => 204, {
      keyring: oneKey,
    })
    await hooks.endpoints.update('acme', endpoint.id, { headers: { 'x-token': 'canary-token' } })
    const stored = async () => JSON.stringify(await storage.endpoints.get('acme', endpoint.id))
    expect(await stored()).not.toContain(endpoint.secret.slice(6, 30))
    expect(await stored()).not.toContain('canary-token')
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(await verifiers(requests[0], [endpoint.secret], clock.now())).toEqual([endpoint.secret])
    expect(requests[0]?.headers['x-token']).toBe('canary-token')
    await hooks.stop()

    const second = createSender({ contract, storage, clock, random, transport, keyring: twoKeys })
    expect(await second.rewrapSecrets()).toBe(1)
    expect(await second.rewrapSecrets()).toBe(0)
    const third = createSender({
      contract,
      storage,
      clock,
      random,
      transport,
      keyring: { current: 'k2', keys: { k2: key(2) } },
    })
    third.start()
    await third.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(await verifiers(requests[1], [endpoint.secret], clock.now())).toEqual([endpoint.secret])
    expect(requests[1]?.headers['x-token']).toBe('canary-token')
    await third.stop()
  })

  it('that cannot be read send nothing, cost no attempt, and are told in the log', async () => {
    const { hooks, clock, storage, requests, contract, transport, random, endpoint } = await stage(() => 204, {
      keyring: oneKey,
    })
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    const errors: unknown[] = []
    const logger = { debug() {}, info() {}, warn() {}, error: (about: object) => void errors.push(about) }
    const wrong = createSender({
      contract,
      storage,
      clock,
      random,
      transport,
      logger,
      keyring: { current: 'k1', keys: { k1: key(7) } },
    })
    wrong.start()
    await clock.advance(6 * HOUR)
    expect(requests).toHaveLength(0)
    expect(errors.length).toBeGreaterThan(5)
    expect(errors[0]).toMatchObject({ error: { code: 'secret_sealed' } })
    const [delivery] = (await wrong.deliveries.list('acme', { endpoint: endpoint.id })).data
    expect(delivery).toMatchObject({ state: 'pending', attempts: 0 })
    await wrong.stop()
    hooks.start()
    await clock.advance(2 * 60_000)
    expect(requests).toHaveLength(1)
    await hooks.stop()
  })
})

describe('a secret whose key is lost', () => {
  it('can be followed by another, which signs from then on', async () => {
    const { clock, storage, requests, contract, transport, random, endpoint } = await stage(() => 204, {
      keyring: oneKey,
    })
    const other = { current: 'k2', keys: { k2: key(2) } }
    const hooks = createSender({ contract, storage, clock, random, transport, logger: silentLogger, keyring: other })
    await expect(hooks.rewrapSecrets()).rejects.toEqual(code('secret_sealed'))
    const { secret } = await hooks.endpoints.rotateSecret('acme', endpoint.id, { revoke: true })
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(await verifiers(requests[0], [secret], clock.now())).toEqual([secret])
    await hooks.stop()
  })
})

describe('rotation', () => {
  async function rotating(format?: WireFormat) {
    const staged = await stage(() => 204, { keyring: oneKey, ...(format && { format }) })
    staged.hooks.start()
    const { hooks, clock, requests, endpoint } = staged
    const signedBy = async (secrets: readonly string[]) => {
      requests.length = 0
      await hooks.send('user.deleted', {}, { tenant: 'acme' })
      await clock.advance(1_000)
      return verifiers(requests[0], secrets, clock.now(), format)
    }
    const rotate = async (options: Parameters<typeof hooks.endpoints.rotateSecret>[2]) =>
      (await hooks.endpoints.rotateSecret('acme', endpoint.id, options)).secret
    return { ...staged, signedBy, rotate, old: endpoint.secret }
  }

  it('lets both sign for the overlap, and then the new one alone', async () => {
    const { clock, signedBy, rotate, old, hooks } = await rotating()
    const made = await rotate({ overlap: '2h' })
    expect(await signedBy([old, made])).toEqual([old, made])
    await clock.advance(2 * HOUR)
    expect(await signedBy([old, made])).toEqual([made])
    await hooks.stop()
  })

  it('revokes a secret that leaked at once', async () => {
    const { signedBy, rotate, old, hooks, storage, endpoint } = await rotating()
    const between = await rotate({})
    const made = await rotate({ revoke: true })
    expect(await signedBy([old, between, made])).toEqual([made])
    expect((await storage.endpoints.get('acme', endpoint.id))?.secrets).toHaveLength(1)
    await hooks.stop()
  })

  it('of a format with one signature switches now, or after the overlap, and never sends two', async () => {
    const format = textFormat()
    const { clock, signedBy, rotate, old, hooks } = await rotating(format)
    const second = await rotate({ overlap: '2h' })
    expect(await signedBy([old, second])).toEqual([second])
    const third = await rotate({ overlap: '2h', during: 'old' })
    expect(await signedBy([old, second, third])).toEqual([second])
    await clock.advance(2 * HOUR)
    expect(await signedBy([old, second, third])).toEqual([third])
    const fourth = await rotate({ overlap: '2h', during: 'old' })
    const fifth = await rotate({ overlap: '1h', during: 'old' })
    await clock.advance(3 * HOUR)
    expect(await signedBy([third, fourth, fifth])).toEqual([fifth])
    await hooks.stop()
  })

  it('of a format with one signature has one that signs at any time, however often it is put off', async () => {
    const { clock, signedBy, rotate, old, hooks } = await rotating(textFormat())
    const second = await rotate({ overlap: '2h', during: 'old' })
    await clock.advance(HOUR)
    const third = await rotate({ overlap: '4h', during: 'old' })
    await clock.advance(2 * HOUR)
    expect(await signedBy([old, second, third])).toEqual([old])
    await clock.advance(2 * HOUR)
    expect(await signedBy([old, second, third])).toEqual([third])
    await hooks.stop()
  })

  it('is made once, though the storage has done it and its answer is lost', async () => {
    const staged = await stage(() => 204, { keyring: oneKey })
    const { clock, random, contract, transport, storage, endpoint } = staged
    let lost = 0
    const losing = {
      ...storage,
      endpoints: {
        ...storage.endpoints,
        async update(...given: Parameters<typeof storage.endpoints.update>) {
          const applied = await storage.endpoints.update(...given)
          if (lost++ > 0) return applied
          throw new StorageError('storage_unavailable', 'the answer is lost')
        },
      },
    }
    const hooks = createSender({ contract, storage: losing, clock, random, transport, keyring: oneKey })
    const rotated = hooks.endpoints.rotateSecret('acme', endpoint.id)
    await clock.advance(10_000)
    const { secret } = await rotated
    const secrets = await hooks.endpoints.secrets('acme', endpoint.id)
    expect(secrets.map((one) => one.secret)).toEqual([secret, endpoint.secret])
    expect((await hooks.endpoints.rotateSecret('acme', endpoint.id, { secret })).secret).toBe(secret)
  })

  it('to the secret that it has changes nothing, however often, and to one of before leaves one of that', async () => {
    const { hooks, endpoint } = await stage()
    const texts = async () => (await hooks.endpoints.secrets('acme', endpoint.id)).map(({ secret }) => secret)
    const { secret, id } = endpoint
    for (let i = 0; i < 7; i++) {
      await hooks.endpoints.rotateSecret('acme', id, { secret })
      await hooks.endpoints.update('acme', id, { secret })
    }
    expect(await texts()).toEqual([secret])
    const { secret: second } = await hooks.endpoints.rotateSecret('acme', id)
    await hooks.endpoints.rotateSecret('acme', id, { secret })
    expect(await texts()).toEqual([secret, second])
    await hooks.endpoints.rotateSecret('acme', id, { secret, revoke: true })
    expect(await texts()).toEqual([secret])
  })

  it('is part of an update, which is made as a whole or not at all', async () => {
    const { hooks, endpoint } = await stage()
    const { id, secret, url } = endpoint
    const weak = hooks.endpoints.update('acme', id, { url: 'https://other.example/', secret: 'weak' })
    await expect(weak).rejects.toMatchObject({ code: 'secret_too_short' })
    expect((await hooks.endpoints.get('acme', id)).url).toBe(url)
    const chosen = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
    const changed = await hooks.endpoints.update('acme', id, { url: 'https://other.example/', secret: chosen })
    expect(changed).toMatchObject({ url: 'https://other.example/', rev: endpoint.rev + 1 })
    expect((await hooks.endpoints.secrets('acme', id)).map((one) => one.secret)).toEqual([chosen, secret])
  })

  it('refuses an overlap that would outlast every calendar, which would end the old secret at once', async () => {
    const { signedBy, rotate, old, hooks } = await rotating()
    for (const overlap of [Number.MAX_SAFE_INTEGER, '366d'] as const)
      await expect(rotate({ overlap })).rejects.toEqual(code('option_invalid'))
    const made = await rotate({ overlap: '365d' })
    expect(await signedBy([old, made])).toEqual([old, made])
    await hooks.stop()
  })

  it('keeps no more than five secrets that sign, and says so', async () => {
    const { rotate, hooks, clock } = await rotating()
    for (let n = 0; n < 4; n++) await rotate({ overlap: '2h' })
    await expect(rotate({ overlap: '2h' })).rejects.toEqual(code('secret_limit'))
    await clock.advance(3 * HOUR)
    await rotate({ overlap: '2h' })
    await hooks.stop()
  })

  it('takes secrets of the client’s own choosing by the grammar of the format, and no others', async () => {
    const { rotate, hooks } = await rotating()
    await expect(rotate({ secret: 'my own' })).rejects.toMatchObject({ code: expect.stringMatching(/^secret_/) })
    const own = `whsec_${Buffer.alloc(24, 5).toString('base64')}`
    expect(await rotate({ secret: own })).toBe(own)
    const text = await stage(() => 204, { format: textFormat() })
    const made = await text.hooks.endpoints.create('acme', {
      url: 'https://acme.example/own',
      secret: 'my own secret!!!',
    })
    expect(made.secret).toBe('my own secret!!!')
    await hooks.stop()
  })
})

describe('key pairs', () => {
  it('sign with the private half, and show the public half alone', async () => {
    const { hooks, clock, requests, storage } = await stage(() => 204)
    const made = await hooks.endpoints.create('globex', { url: 'https://globex.example/', signing: 'v1a' })
    expect(made.secret).toMatch(/^whpk_/)
    expect(JSON.stringify(await storage.endpoints.get('globex', made.id))).toContain('whsk_')
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'globex' })
    await clock.advance(1_000)
    expect(requests[0]?.headers['webhook-signature']).toMatch(/^v1a,/)
    expect(await verifiers(requests[0], [made.secret], clock.now())).toEqual([made.secret])
    const { secret } = await hooks.endpoints.rotateSecret('globex', made.id)
    expect(secret).toMatch(/^whpk_/)
    await hooks.send('user.deleted', {}, { tenant: 'globex' })
    await clock.advance(1_000)
    expect(await verifiers(requests[1], [made.secret, secret], clock.now())).toEqual([made.secret, secret])
    await hooks.stop()
  })

  it('are refused by a format that has none', async () => {
    const { hooks } = await stage(() => 204, {
      format: hmacFormat({
        name: 'hex',
        secret: 'hex',
        body: { type: part.type, data: part.data },
        signature: { header: 'x-signature', encoding: 'hex', over: [part.body] },
      }),
    })
    await expect(
      hooks.endpoints.create('acme', { url: 'https://acme.example/', signing: 'v1a' }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^secret_/) })
  })

  it('are refused by a format whose secrets are any text, which would sign with the private half as it is', async () => {
    const { hooks } = await stage(() => 204, { format: textFormat() })
    const url = 'https://acme.example/'
    await expect(hooks.endpoints.create('acme', { url, signing: 'v1a' })).rejects.toEqual(code('option_invalid'))
  })

  it('are not asked for beside a secret that is none', async () => {
    const { hooks } = await stage()
    const url = 'https://acme.example/'
    const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`
    await expect(hooks.endpoints.create('acme', { url, secret, signing: 'v1a' })).rejects.toEqual(
      code('option_invalid'),
    )
    const pair = `whsk_${Buffer.alloc(32, 5).toString('base64')}`
    expect((await hooks.endpoints.create('acme', { url, secret: pair, signing: 'v1a' })).secret).toMatch(/^whpk_/)
  })

  it('are no secrets of a client’s own choosing that look like one', async () => {
    const { hooks } = await stage(() => 204, { format: textFormat() })
    const secret = 'whsk_ is what ours begins with'
    const made = await hooks.endpoints.create('acme', { url: 'https://acme.example/', secret })
    expect(made.secret).toBe(secret)
    expect((await hooks.endpoints.secrets('acme', made.id)).map((one) => one.secret)).toEqual([secret])
    expect((await hooks.endpoints.rotateSecret('acme', made.id)).secret).toMatch(/^whsec_/)
  })
})

describe('an endpoint without a secret that signs', () => {
  it('gets no request, costs no attempt, and is told of in the log', async () => {
    const error = vi.fn()
    const { hooks, clock, storage, requests, endpoint } = await stage(() => 204, {
      logger: { ...silentLogger, error },
    })
    const stored = await storage.endpoints.get('acme', endpoint.id)
    if (!stored) throw new Error('there is no endpoint')
    await storage.endpoints.update({ ...stored, secrets: [] }, stored.rev)
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(requests).toHaveLength(0)
    expect(error).toHaveBeenCalledWith(
      expect.objectContaining({ error: code('secret_missing') }),
      expect.stringContaining('could not be made'),
    )
    expect((await hooks.deliveries.list('acme')).data).toMatchObject([{ state: 'pending', attempts: 0 }])
    await hooks.endpoints.rotateSecret('acme', endpoint.id)
    await clock.advance(60_000)
    expect(requests).toHaveLength(1)
    await hooks.stop()
  })
})

describe('a second signature during a migration', () => {
  it('stands beside the first, over the same body, until it is taken away', async () => {
    const legacy = textFormat()
    const { hooks, clock, requests, endpoint } = await stage(() => 204, { alsoSign: legacy, keyring: oneKey })
    hooks.start()
    const send = async () => {
      await hooks.send('user.deleted', { n: 1 }, { tenant: 'acme' })
      await clock.advance(1_000)
      return requests.at(-1)
    }
    expect((await send())?.headers['x-plain-signature']).toBe(undefined)
    await hooks.endpoints.update('acme', endpoint.id, { alsoSign: { secret: 'legacy secret of old' } })
    const both = await send()
    expect(await verifiers(both, [endpoint.secret], clock.now())).toEqual([endpoint.secret])
    expect(await verifiers(both, ['legacy secret of old'], clock.now(), legacy)).toEqual(['legacy secret of old'])
    await hooks.endpoints.update('acme', endpoint.id, { alsoSign: null })
    expect((await send())?.headers['x-plain-signature']).toBe(undefined)
    await hooks.stop()
  })

  it('needs a second format', async () => {
    const { hooks, endpoint } = await stage()
    await expect(hooks.endpoints.update('acme', endpoint.id, { alsoSign: { secret: 'x'.repeat(20) } })).rejects.toEqual(
      code('option_invalid'),
    )
  })
})

describe('headers of an endpoint', () => {
  it('go along with its requests, and never in the place of what signs or frames them', async () => {
    const { hooks, clock, requests, endpoint } = await stage()
    const shown = await hooks.endpoints.update('acme', endpoint.id, {
      headers: { Authorization: 'Bearer canary', 'User-Agent': 'Acme' },
    })
    expect(shown.headers).toEqual(['authorization', 'user-agent'])
    for (const name of ['webhook-id', 'content-type', 'host', 'content-length', 'Transfer-Encoding'])
      await expect(hooks.endpoints.update('acme', endpoint.id, { headers: { [name]: 'x' } })).rejects.toEqual(
        code('header_forbidden'),
      )
    hooks.start()
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(requests[0]?.headers).toMatchObject({ authorization: 'Bearer canary', 'user-agent': 'Acme' })
    expect((await hooks.endpoints.update('acme', endpoint.id, { headers: null })).headers).toEqual([])
    await hooks.send('user.deleted', {}, { tenant: 'acme' })
    await clock.advance(1_000)
    expect(requests[1]?.headers.authorization).toBe(undefined)
    await hooks.stop()
  })
})
