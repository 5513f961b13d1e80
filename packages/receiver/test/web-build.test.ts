import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { hmacFormat, part, standardWebhooks } from '@hooks/receiver'
import { signRequest } from '@hooks/receiver/testing'
import { build } from 'esbuild'
import { beforeAll, describe, expect, it } from 'vitest'
import { SECRET, TEXT_SECRET } from './support.ts'

const ENTRY = `
import { createReceiver, hmacFormat, memoryIdempotency, part } from '@hooks/receiver'
const seen = []
const handler = ({ type, data }) => { seen.push([type, data.n]) }
export const standard = createReceiver({ secret: '${SECRET}', idempotency: memoryIdempotency() }).on('*', handler)
export const unsigned = createReceiver({
  secret: '${TEXT_SECRET}',
  idempotency: memoryIdempotency(),
  format: hmacFormat({
    name: 'unsigned', secret: 'text', body: { event: part.type, data: part.data },
    headers: { 'x-id': part.deliveryId }, signature: { header: 'x-signature' },
  }),
}).on('*', handler)
export const told = () => JSON.stringify(seen)
`
const unsigned = hmacFormat({
  name: 'unsigned',
  secret: 'text',
  body: { event: part.type, data: part.data },
  headers: { 'x-id': part.deliveryId },
  signature: { header: 'x-signature' },
})

interface Bundle {
  readonly standard: { fetch(request: Request): Promise<Response> }
  readonly unsigned: { fetch(request: Request): Promise<Response> }
  told(): string
}

describe('a bundle for no particular platform', () => {
  let bundle: Bundle
  beforeAll(async () => {
    const { outputFiles } = await build({
      stdin: { contents: ENTRY, resolveDir: fileURLToPath(new URL('..', import.meta.url)), loader: 'ts' },
      bundle: true,
      platform: 'neutral',
      format: 'iife',
      globalName: 'bundle',
      conditions: ['@hooks/source'],
      write: false,
    })
    // What an edge function has: no process, no Buffer, no require.
    const { crypto, TextEncoder, TextDecoder, atob, btoa, performance, setTimeout, clearTimeout } = globalThis
    const { AbortController, Response } = globalThis
    const edge = {
      crypto,
      TextEncoder,
      TextDecoder,
      atob,
      btoa,
      performance,
      setTimeout,
      clearTimeout,
      AbortController,
      Response,
    }
    bundle = runInContext(`${outputFiles[0]?.text}; bundle`, createContext(edge)) as Bundle
  }, 20_000)

  it('verifies with Web Crypto alone, deduplicates, and refuses what is forged', async () => {
    const sent = await signRequest(standardWebhooks(), SECRET, { type: 'booking.created', data: { n: 1 } })
    const fetched = (body: Uint8Array<ArrayBuffer> | string = sent.body) =>
      new Request('https://x.example', { ...sent, body })
    const outcomes = []
    for (const request of [fetched(), fetched(), fetched('{}')]) {
      const response = await bundle.standard.fetch(request)
      outcomes.push([response.status, await response.text()])
    }
    expect(outcomes).toEqual([
      [200, '{"received":true}'],
      [200, '{"received":true}'],
      [401, '{"error":"signature_mismatch"}'],
    ])
    expect(bundle.told()).toBe('[["booking.created",1]]')
  })

  it('loads on demand what only some formats need', async () => {
    const before = JSON.parse(bundle.told()).length
    for (const deliveryId of ['a', 'b']) {
      const sent = await signRequest(unsigned, TEXT_SECRET, { type: 'a.b', data: { n: 2 }, deliveryId })
      const response = await bundle.unsigned.fetch(new Request('https://x.example', { ...sent, body: sent.body }))
      expect(response.status).toBe(200)
    }
    expect(JSON.parse(bundle.told()).length).toBe(before + 1)
  })
})
