import { headerBag, verifyRequest, platformCrypto, systemClock } from '@hooks/core'
export const memoryIdempotency = () => new Set<string>()
export function createReceiver({ contract, secret, idempotency, idempotencyKey }: any): any {
  const handlers = new Map()
  return {
    on(t: string, h: any) { handlers.set(t, h) },
    async handle(req: any) {
      try {
      const raw = { method: 'POST', url: req.url, headers: headerBag(req.headers), body: req.body }
      await verifyRequest(contract.format, [{ keyId: '0', keys: contract.format.keys(secret, 'verify') }], raw, systemClock, platformCrypto(), contract.format.window)
      const m: any = contract.format.read(raw)
      const key = idempotencyKey ? idempotencyKey(m) : m.id
      if (idempotency.has(key)) return { status: 200, outcome: 'duplicate', body: 'dup', headers: {} }
      idempotency.add(key)
      handlers.get(m.type)(m)
      return { status: 200, outcome: 'handled', body: 'ok', headers: {} }
      } catch (e) { console.error(e); return { status: 401, outcome: 'x', body: '', headers: {} } }
    },
  }
}
export const expressReceiver = (r: any) => (req: any, res: any) => {
  const chunks: any[] = []
  req.on('data', (c: any) => chunks.push(c)).on('end', async () => {
    const a = await r.handle({ method: 'POST', url: req.url, headers: req.headers, body: Buffer.concat(chunks) })
    res.writeHead(a.status, a.headers); res.end(a.body)
  })
}
