import { describe, expect, it } from 'vitest'
import { createLedger, type Duplicate } from '../src/soak/ledger.ts'

/** What was received twice, once something has happened in between. */
function twice(between: (ledger: ReturnType<typeof createLedger>) => void) {
  const ledger = createLedger()
  ledger.receives('/1', 'msg_1', 'a')
  between(ledger)
  ledger.receives('/1', 'msg_1', 'b')
  ledger.receives('/2', 'msg_1', 'b')
  const [one, ...more] = ledger.duplicates()
  expect(more).toEqual([])
  return (record: { error?: string }[] = []) => ledger.reasons(one as Duplicate, record)
}

describe('the ledger of the soak', () => {
  it('has a reason for what comes again after a kill, an outage, a failure or the end of a lease', () => {
    expect(twice((ledger) => ledger.kills('a'))()).toEqual(['killed'])
    expect(twice((ledger) => ledger.loses()())()).toEqual(['away'])
    expect(twice((ledger) => void ledger.loses())()).toEqual(['away'])
    const nothing = twice(() => {})
    expect(nothing([{ error: 'response_timeout' }, {}])).toEqual(['failed'])
    expect(nothing([{ error: 'lost' }, {}])).toEqual(['lease over'])
  })

  it('has none for what comes again though nobody was killed and nothing failed', () => {
    expect(twice(() => {})([{}])).toEqual(['none'])
    expect(twice((ledger) => ledger.kills('b'))([{}])).toEqual(['none'])
  })

  it('has none where the outage was over before, or the kill came after', () => {
    const ledger = createLedger()
    ledger.loses()()
    ledger.receives('/1', 'msg_1', 'a')
    ledger.receives('/1', 'msg_1', 'b')
    ledger.kills('a')
    const [one] = ledger.duplicates()
    expect(ledger.reasons(one as Duplicate, [])).toEqual(['none'])
  })
})
