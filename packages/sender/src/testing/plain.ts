import type { NewEndpoint, NewMessage } from '@hooks/core'

/** An endpoint with nothing in its way, as a storage gets it: for tests of storages, and for measuring them. */
export const plainEndpoint = (id: string, over: Partial<NewEndpoint> = {}): NewEndpoint => ({
  id,
  tenant: 'acme',
  url: 'https://example.com/hooks',
  filters: null,
  channels: null,
  state: 'enabled',
  reason: null,
  name: null,
  metadata: {},
  secrets: [],
  settings: {},
  ...over,
})

/** A message with little in it, as a storage gets it. */
export const plainMessage = (id: string, over: Partial<NewMessage> = {}): NewMessage => ({
  id,
  type: 'booking.created',
  tenant: 'acme',
  occurredAt: new Date('2026-01-01T00:00:00Z'),
  data: '{}',
  ...over,
})
