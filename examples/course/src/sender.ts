import { createSender, memoryStorage, type SenderOptions } from '@hooks/sender'
import { contract } from './contract.ts'

/** What the service is told. */
export interface ServiceOptions extends Pick<SenderOptions<never, never>, 'clock' | 'logger' | 'dev'> {
  /** How requests are signed: with the course's token by default. */
  readonly contract?: typeof contract
}

/** The service that something happens in. It has no server: it is the client that listens. */
export function createService({ contract: agreed = contract, ...options }: ServiceOptions = {}) {
  const storage = memoryStorage(options.clock ? { clock: options.clock } : {})
  const hooks = createSender({ contract: agreed, storage, ...options })
  return {
    hooks,
    /** 1. Abonnement: the client gives its URL, and the secret that both keep. */
    subscribe: (url: string, secret: string) => hooks.endpoints.create('client', { url, secret }),
    /** 2. Événement: a payment is completed, and every URL that was given hears of it. */
    completePayment: (amount: number) => hooks.send('payment_completed', { amount }, { tenant: 'client' }),
  }
}
