import { defineEvents } from '@hooks/core'
import { describe, expect, it } from 'vitest'
import { checkFilters, mismatch } from '../src/match.ts'

const endpoint = { id: 'ep_1', filters: null, channels: null }
const message = { type: 'booking.item.added' }

describe('whether an endpoint gets a message', () => {
  it('gets every type when it names none', () => {
    expect(mismatch(message, endpoint)).toBeNull()
  })
  it('gets the types that it names, and no others', () => {
    expect(mismatch(message, { ...endpoint, filters: ['booking.item.added'] })).toBeNull()
    expect(mismatch(message, { ...endpoint, filters: ['booking.item'] })).toBe('not_subscribed')
  })
  it('gets any depth below a pattern, and not the name in front of it', () => {
    expect(mismatch(message, { ...endpoint, filters: ['booking.*'] })).toBeNull()
    expect(mismatch({ type: 'booking' }, { ...endpoint, filters: ['booking.*'] })).toBe('not_subscribed')
    expect(mismatch({ type: 'bookings.made' }, { ...endpoint, filters: ['booking.*'] })).toBe('not_subscribed')
  })
  it('gets messages of its channels, where it has channels', () => {
    expect(mismatch({ ...message, channels: ['eu', 'us'] }, { ...endpoint, channels: ['us'] })).toBeNull()
    expect(mismatch({ ...message, channels: ['eu'] }, { ...endpoint, channels: ['us'] })).toBe('other_channel')
    expect(mismatch(message, { ...endpoint, channels: ['us'] })).toBe('other_channel')
    expect(mismatch({ ...message, channels: ['eu'] }, endpoint)).toBeNull()
  })
  it('gets what is addressed to it whatever it subscribed to, and nothing that is addressed to others', () => {
    expect(mismatch({ ...message, endpoints: ['ep_1'] }, { ...endpoint, filters: ['user.deleted'] })).toBeNull()
    expect(mismatch({ ...message, endpoints: ['ep_2'] }, endpoint)).toBe('not_addressed')
  })
})

describe('filters', () => {
  const events = defineEvents({ 'booking.created': {}, 'booking.item.added': {}, payment_completed: {} })
  it('are types of the catalog and patterns of them', () => {
    expect(checkFilters(['booking.*', 'payment_completed', 'booking.item.*'], events)).toHaveLength(3)
    expect(checkFilters(undefined, events)).toBeNull()
  })
  it('count once each', () => {
    expect(checkFilters(['booking.*', 'booking.*'], events)).toEqual(['booking.*'])
  })
  for (const filters of [
    [],
    ['booking'],
    ['bookin.*'],
    ['*'],
    ['booking.*.added'],
    [7],
    'booking.*',
    ['a'].concat(Array(20).fill('booking.*')),
  ]) {
    it(`refuse ${JSON.stringify(filters).slice(0, 40)}`, () => {
      expect(() => checkFilters(filters, events)).toThrow(expect.objectContaining({ code: 'filter_invalid' }))
    })
  }
})
