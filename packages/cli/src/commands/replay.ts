import type { ApiJob, ApiPage, ApiRecovered, AsJson } from '@hooks/core'
import { API, type Api, ApiProblem, apiOf, timeOf } from '../api.ts'
import { type Command, type Flags, optionOf, UsageError } from '../command.ts'
import type { Io } from '../io.ts'
import { bar, paint, visible } from '../text.ts'

type Job = AsJson<ApiJob>

const LOOK_MS = 1_000

export const replay: Command = {
  usage: '<delivery id …> | --endpoint <id> --since <time> | --all --since <time>  [options]',
  words: Number.POSITIVE_INFINITY,
  about:
    'Sends again: deliveries by their ids, or what failed or was skipped since a time. 1 where something could not be.',
  options: {
    endpoint: { about: 'at this webhook' },
    all: { about: 'at the webhooks of all tenants, for the people who run the sender', kind: 'flag' },
    since: { about: 'since this time, or for so long: 2h' },
    until: { about: 'until this time; now by default' },
    types: { about: 'only of these event types, with commas' },
    missing: { about: 'what the webhook never got, in place of what failed', kind: 'flag' },
    yes: { about: 'sends; without it there is only a count', kind: 'flag' },
    ...API,
  },
  async run(words, flags, io) {
    const api = apiOf(flags, io)
    const endpoint = optionOf(flags, 'endpoint')
    const ways = [words.length > 0, endpoint !== undefined, flags.all === true].filter(Boolean).length
    if (ways !== 1) throw new UsageError('say which: ids of deliveries, or --endpoint, or --all')
    if (words.length > 0) return resend(words, api, io)
    const since = timeOf(flags, 'since', io)
    if (since === undefined) throw new UsageError('--since is missing')
    // The same stretch for the count and for what is sent.
    const until = timeOf(flags, 'until', io) ?? io.clock.now().toISOString()
    const types = optionOf(flags, 'types')?.split(',')
    const body = { since, until, ...(types && { types }) }
    return endpoint === undefined ? recoverAll(body, flags, api, io) : recover(endpoint, body, flags, api, io)
  },
}

async function resend(ids: readonly string[], api: Api, io: Io): Promise<number> {
  let refused = 0
  for (const id of ids) {
    try {
      await api.call('POST', `deliveries/${encodeURIComponent(id)}/resend`)
      io.out(`${visible(id)} ${paint(io, 'green', 'sent again')}`)
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.status === 0 || error.status === 401) throw error
      refused++
      io.out(`${visible(id)} ${paint(io, 'red', visible(error.message))}`)
    }
  }
  return refused > 0 ? 1 : 0
}

async function recover(endpoint: string, body: object, flags: Flags, api: Api, io: Io): Promise<number> {
  const path = `endpoints/${encodeURIComponent(endpoint)}/${flags.missing === true ? 'replay-missing' : 'recover'}`
  const count = await api.call<Job['total']>('POST', path, { body: { ...body, dryRun: true } })
  io.note(counted(count.matching, count.expired))
  if (flags.yes !== true || count.matching === 0) return asked(count.matching, io)
  const job = await api.call<Job>('POST', path, { body, idempotencyKey: keyOf(io) })
  return watch(job, (id) => api.call<Job>('GET', `jobs/${id}`), flags, io)
}

async function recoverAll(body: object, flags: Flags, api: Api, io: Io): Promise<number> {
  if (flags.missing === true) throw new UsageError('--missing is for one webhook')
  const found = await pages(api, { ...body, dryRun: true })
  const matching = found.reduce((sum, one) => sum + one.matching, 0)
  for (const { tenant, endpointId, matching: some } of found)
    if (flags.json === true) io.out(JSON.stringify({ tenant, endpointId, matching: some }))
    else io.out(`${visible(tenant)} ${visible(endpointId)} ${some}`)
  io.note(`${counted(matching, 0)}, at ${found.length} webhooks`)
  if (flags.yes !== true || matching === 0) return asked(matching, io)
  const begun = await pages(api, body, keyOf(io))
  io.note(`begun, at ${begun.length} webhooks; each goes on at a pace of its own`)
  return 0
}

/** All pages of webhooks, one after the other. */
async function pages(api: Api, body: object, idempotencyKey?: string): Promise<readonly ApiRecovered[]> {
  const found: ApiRecovered[] = []
  let cursor: string | null = null
  do {
    const page: ApiPage<ApiRecovered> = await api.call('POST', 'overview/recover', {
      body: { ...body, ...(cursor !== null && { cursor }) },
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    })
    found.push(...page.data)
    cursor = page.nextCursor
  } while (cursor !== null)
  return found
}

async function watch(begun: Job, look: (id: string) => Promise<Job>, flags: Flags, io: Io): Promise<number> {
  let job = begun
  while (job.state === 'running' && !io.end.aborted) {
    if (io.isTerminal) io.note(bar(job.sent + job.expired + job.left, job.total.matching + job.total.expired), true)
    await io.clock.sleep(LOOK_MS, io.end).catch(() => {})
    job = await look(job.id)
  }
  if (io.isTerminal) io.note('', true)
  if (flags.json === true) io.out(JSON.stringify(job))
  else if (job.state === 'running') io.out(`it goes on without you: ${job.id}`)
  else io.out(`${job.state}: ${job.sent} sent again${job.reason === null ? '' : ` (${job.reason})`}`)
  return job.state === 'failed' ? 1 : 0
}

const counted = (matching: number, expired: number) =>
  `${matching} to send again${expired > 0 ? `, ${expired} no longer kept` : ''}`

function asked(matching: number, io: Io): number {
  if (matching > 0) io.note('--yes sends them')
  return 0
}

const keyOf = ({ random }: Io) => Buffer.from(random.bytes(16)).toString('hex')
