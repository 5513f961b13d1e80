import type { AddressInfo } from 'node:net'
import express from 'express'
import { TENANT } from './products.ts'
import type { ProductSender } from './senders.ts'

/** A port of the sender process, for curl. Resolves with its URL. */
export async function listen(senders: readonly ProductSender[]): Promise<string> {
  const app = express()
  const catalog = Object.fromEntries(senders.map(({ name, printed }) => [name, printed.map(({ type }) => type)]))

  app.post('/send/:product/:type', async (req, res) => {
    const sender = senders.find(({ name }) => name === req.params.product)
    const event = sender?.printed.find(({ type }) => type === req.params.type)
    if (!sender || !event) return void res.status(404).json({ 'what there is': catalog })
    res.status(202).json(await sender.hooks.send(event.type, event.data, { tenant: TENANT }))
  })

  app.get('/deliveries/:product', async (req, res) => {
    const sender = senders.find(({ name }) => name === req.params.product)
    if (!sender) return void res.status(404).json({ 'what there is': Object.keys(catalog) })
    res.json(await sender.hooks.deliveries.list(TENANT, { limit: 10 }))
  })

  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
