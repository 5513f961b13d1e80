import type { ApiDelivery, ApiDeliveryDetails, ApiEndpoint, ApiPage, AsJson } from '@hooks/core'
import { API, apiOf, type Given, timeOf } from '../api.ts'
import { type Command, type Flags, optionOf, UsageError } from '../command.ts'
import type { Io } from '../io.ts'
import { paint, table, visible } from '../text.ts'

export const endpoints: Command = {
  usage: '[options]',
  about: 'Lists the webhooks.',
  options: API,
  run: (_words, flags, io) =>
    list<AsJson<ApiEndpoint>>(
      flags,
      io,
      'endpoints',
      {},
      ['id', 'state', 'events', 'url'],
      ({ id, enabled, events, url }) => [id, enabled ? 'on' : 'off', events === null ? 'all' : events.join(','), url],
    ),
}

export const deliveries: Command = {
  usage: '[options]',
  about: 'Lists what was sent, newest first.',
  options: {
    endpoint: { about: 'to this webhook' },
    status: { about: 'pending, sending, retrying, delivered, failed, cancelled or skipped; several with commas' },
    event: { about: 'of this type' },
    since: { about: 'since this time, or for so long: 2h' },
    until: { about: 'until this time' },
    limit: { about: '20 by default, 100 at most' },
    ...API,
  },
  run: (_words, flags, io) =>
    list<AsJson<ApiDelivery>>(
      flags,
      io,
      'deliveries',
      {
        endpoint: optionOf(flags, 'endpoint'),
        status: optionOf(flags, 'status'),
        event: optionOf(flags, 'event'),
        since: timeOf(flags, 'since', io),
        until: timeOf(flags, 'until', io),
        limit: optionOf(flags, 'limit'),
      },
      ['id', 'event', 'state', 'attempts', 'answer', 'at'],
      ({ id, type, state, attempts, last, createdAt }) => [
        id,
        type,
        state,
        String(attempts),
        last ? String(last.status ?? last.error) : '-',
        createdAt,
      ],
    ),
}

export const delivery: Command = {
  usage: '<id> [options]',
  words: 1,
  about: 'Shows what became of one delivery, attempt by attempt.',
  options: API,
  async run([id], flags, io) {
    if (id === undefined) throw new UsageError('which delivery?')
    const api = apiOf(flags, io)
    const found = await api.call<AsJson<ApiDeliveryDetails>>('GET', `deliveries/${encodeURIComponent(id)}`)
    if (flags.json === true) {
      io.out(JSON.stringify(found))
      return 0
    }
    io.out(`${visible(found.type)} ${paint(io, found.state === 'delivered' ? 'green' : 'yellow', found.state)}`)
    for (const { n, at, ms, status, error, detail, response, responseHeaders, trigger } of found.log) {
      const good = status !== undefined && status >= 200 && status < 300
      io.out(`${paint(io, good ? 'green' : 'red', `#${n} ${status ?? error}`)} ${ms} ms, ${trigger}, ${at}`)
      if (detail !== undefined) io.out(`   ${visible(detail)}`)
      for (const [name, value] of Object.entries(responseHeaders ?? {})) io.out(`   ${visible(`${name}: ${value}`)}`)
      if (response) io.out(`   ${visible(response)}`)
    }
    if (found.nextAttemptAt !== null) io.out(`next at ${found.nextAttemptAt}`)
    return 0
  },
}

async function list<T>(
  flags: Flags,
  io: Io,
  path: string,
  query: NonNullable<Given['query']>,
  head: readonly string[],
  row: (one: T) => readonly string[],
): Promise<number> {
  const { data, nextCursor } = await apiOf(flags, io).call<ApiPage<T>>('GET', path, { query })
  if (flags.json === true) for (const one of data) io.out(JSON.stringify(one))
  else if (data.length === 0) io.note('none')
  else io.out(table([head, ...data.map((one) => row(one).map(visible))]))
  if (nextCursor !== null)
    io.note(`there are more; ${path === 'deliveries' ? '--until shows earlier ones' : 'these are the first'}`)
  return 0
}
