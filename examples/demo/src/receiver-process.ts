import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { expressReceiver } from '@hooks/express'
import { createReceiver, memoryIdempotency } from '@hooks/receiver'
import express from 'express'
import { type EndpointKind, kinds, misbehave } from './endpoints.ts'
import type { Handled, Subscription } from './ledger.ts'
import { type Product, products } from './products.ts'
import { serve } from './remote.ts'

const app = express()
const handled: Handled[] = []
const duplicates: Record<string, number> = {}

/** A route for an endpoint: first its bad manners, then the receiver. */
function mount(endpointId: string, { name, contract }: Product, kind: EndpointKind, secret: string): void {
  const receiver = createReceiver({
    contract,
    secret,
    // A store of its own, as each endpoint would be another customer's.
    idempotency: memoryIdempotency(),
    // Some formats have no id, so our sender adds a header. What comes without one (a curl by hand) is always new.
    ...(contract.format.facts.id === 'absent' && { idempotencyKey: ({ id }) => id ?? randomUUID() }),
  })
  for (const type of contract.events.types) {
    receiver.on(type, ({ id = '' }) => {
      handled.push({ endpointId, id })
    })
  }

  const counting: typeof receiver = {
    ...receiver,
    async handle(request) {
      const answer = await receiver.handle(request)
      if (answer.outcome === 'duplicate') duplicates[endpointId] = (duplicates[endpointId] ?? 0) + 1
      return answer
    },
  }
  app.post(`/${name}/${kind.name}`, misbehave(kind), expressReceiver(counting))
}

/** What the conductor asks of this process. */
export const api = {
  async listen(): Promise<string> {
    const server = app.listen(0, '127.0.0.1')
    await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  },

  mount(endpoints: readonly Subscription[]): void {
    for (const { id, product: productName, kind: kindName, secret } of endpoints) {
      const product = products.find(({ name }) => name === productName)
      const kind = kinds.find(({ name }) => name === kindName)
      if (product && kind) mount(id, product, kind, secret)
    }
  },

  report: () => ({ handled, duplicates }),
}

serve(api)
