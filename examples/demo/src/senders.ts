import { createSender, type Sender } from '@hooks/sender'
import { sqliteStorage } from '@hooks/sqlite'
import { type PrintedEvent, printedEvents, products } from './products.ts'

/** A product's sender, with what it takes to use it. */
export interface ProductSender {
  readonly name: string
  /** The secret that the product's customer chooses, where the customer does. */
  readonly secret: string | undefined
  readonly printed: readonly PrintedEvent[]
  readonly hooks: Sender
  close(): Promise<void>
}

/** One sender has one contract, so five products are five senders: in one file, each with tables of its own. */
export function openSenders(file: string): ProductSender[] {
  return products.map((product) => {
    const { name, contract, secret } = product
    const storage = sqliteStorage(file, { prefix: `${name.replace('-', '_')}_` })
    const hooks = createSender({
      contract,
      storage,
      // Plain http to this machine itself. A sender without `dev` speaks https to public addresses only.
      dev: true,
      // What a process had in its hands when it died is due again after this time.
      lease: '3500ms',
      poll: '250ms',
    })
    return {
      name,
      secret,
      printed: printedEvents(product),
      hooks,
      async close() {
        await hooks.stop()
        await storage.close()
      },
    }
  })
}
