import { describe, expect, it } from 'vitest'
import { balanced, type DeliveryRow, type Handled, type Intent, settle } from '../src/ledger.ts'

const occurredAt = new Date(0)
const intents: Intent[] = [
  { key: 'a', product: 'veza', type: 'user.created', occurredAt, messageId: 'msg_1' },
  { key: 'b', product: 'grillo', type: 'sensor.online', occurredAt, messageId: 'msg_2' },
]
const endpoints = [
  { id: 'ep_1', product: 'veza', kind: 'steady', secret: '' },
  { id: 'ep_2', product: 'grillo', kind: 'steady', secret: '' },
]
const delivery = { state: 'delivered', attempts: 1, nextAttemptAt: null }
const deliveries: DeliveryRow[] = [
  { ...delivery, id: 'dlv_1', messageId: 'msg_1', endpointId: 'ep_1' },
  { ...delivery, id: 'dlv_2', messageId: 'msg_2', endpointId: 'ep_2' },
]
// Veza's wire has the message's id, Grillo's the delivery's.
const handled: Handled[] = [
  { endpointId: 'ep_1', id: 'msg_1' },
  { endpointId: 'ep_2', id: 'dlv_2' },
]
const ledgerOf = (arrived: readonly Handled[], meant = intents) => settle(meant, endpoints, deliveries, arrived, {})

describe('the ledger', () => {
  it('balances where everything arrived once', () => {
    const ledger = ledgerOf(handled)
    expect(ledger).toMatchObject({ sent: 2, deliveries: 2, delivered: 2, lost: 0, twice: 0, unexpected: 0 })
    expect(balanced(ledger)).toBe(true)
  })

  it('sees what was lost', () => {
    const ledger = ledgerOf(handled.slice(1))
    expect(ledger).toMatchObject({ delivered: 1, lost: 1 })
    expect(balanced(ledger)).toBe(false)
  })

  it('sees what was never sent', () => {
    const unsent: Intent = { key: 'c', product: 'veza', type: 'user.created', occurredAt }
    expect(ledgerOf(handled, [...intents, unsent])).toMatchObject({ sent: 2, deliveries: 3, lost: 1 })
  })

  it('sees what was handled twice, under either id', () => {
    const ledger = ledgerOf([...handled, { endpointId: 'ep_2', id: 'msg_2' }])
    expect(ledger).toMatchObject({ lost: 0, twice: 1 })
    expect(balanced(ledger)).toBe(false)
  })

  it('sees what nobody sent, and what reached the wrong endpoint', () => {
    const ledger = ledgerOf([...handled, { endpointId: 'ep_1', id: 'msg_9' }, { endpointId: 'ep_1', id: 'dlv_2' }])
    expect(ledger).toMatchObject({ lost: 0, twice: 0, unexpected: 2 })
    expect(balanced(ledger)).toBe(false)
  })
})
