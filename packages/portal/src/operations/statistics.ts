import type { DeliveryState } from '@hooks/core'
import type { Call } from '../call.ts'

/** Deliveries by the product's words, and their `total`, of the tenant or of one endpoint, in a stretch of time where one is given. */
export async function statistics(
  { hooks, tenant, shape }: Call,
  endpoint?: string,
  time: { readonly since?: Date; readonly until?: Date } = {},
): Promise<Record<string, number>> {
  const counts = await hooks.deliveries.stats(tenant, { ...time, ...(endpoint !== undefined && { endpoint }) })
  const tally: Record<string, number> = { total: 0, ...Object.fromEntries(shape.words.map((word) => [word, 0])) }
  for (const [state, count] of Object.entries(counts) as [DeliveryState, number][]) {
    const word = shape.wordOf(state)
    tally[word] = (tally[word] ?? 0) + count
    tally.total = (tally.total ?? 0) + count
  }
  return tally
}

/** Deliveries of an endpoint, all of a stretch of time, and those of each of its equal `buckets`, oldest first. */
export async function statisticsOver(
  call: Call,
  endpoint: string,
  { since, until, buckets }: { readonly since: Date; readonly until: Date; readonly buckets: number },
): Promise<object> {
  const from = since.getTime()
  const span = (until.getTime() - from) / buckets
  const total: Record<string, number> = {}
  const parts: object[] = []
  for (let i = 0; i < buckets; i++) {
    const begin = new Date(from + Math.round(i * span))
    const tally = await statistics(call, endpoint, { since: begin, until: new Date(from + Math.round((i + 1) * span)) })
    for (const [word, count] of Object.entries(tally)) total[word] = (total[word] ?? 0) + count
    parts.push({ since: begin, ...tally })
  }
  return { ...total, buckets: parts }
}
