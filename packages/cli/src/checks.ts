import { type Contract, HooksError, type Storage, standardWebhooks, wrongExamples } from '@hooks/core'
import type { Config } from './config.ts'
import type { Io } from './io.ts'

/** Something that was looked at. */
export interface Finding {
  /** `bad` is wrong; `note` may be meant. */
  readonly mark: 'good' | 'note' | 'bad'
  readonly about: string
  readonly what: string
  /** What to do: the command to run, where there is one. */
  readonly todo?: string
}

/** What a setup is judged by. */
export interface Setup {
  readonly io: Io
  /** The configuration's file. */
  readonly file: string | undefined
  readonly config: Config
}

/** Everything that can be said of a setup, in the order in which one would look. */
export async function* findings(setup: Setup): AsyncGenerator<Finding> {
  const { io, config } = setup
  yield nodeIs(io)
  yield configIs(setup)
  if (config.contract) yield* contractIs(config.contract)
  if (config.storage) yield* storageIs(config.storage, io)
  yield* secretIs(setup)
  yield* environmentIs(io)
}

function nodeIs({ node }: Io): Finding {
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const old = major < 20 || (major === 20 && minor < 19) || major === 21 || (major === 22 && minor < 12)
  const about = 'Node.js'
  if (!old) return { mark: 'good', about, what: node }
  return { mark: 'bad', about, what: `${node} is not supported`, todo: 'use 20.19, 22.12, or a newer one' }
}

function configIs({ file, config }: Setup): Finding {
  const about = 'configuration'
  if (file === undefined) {
    const todo = 'export `contract` and `storage` from ./hooks.config.mjs, and what they say is looked at too'
    return { mark: 'note', about, what: 'there is none', todo }
  }
  const held = (['contract', 'storage', 'docs'] as const).filter((name) => config[name] !== undefined)
  if (held.length > 0) return { mark: 'good', about, what: `${file}: ${held.join(', ')}` }
  return { mark: 'bad', about, what: `${file} exports nothing`, todo: 'export `contract`, `storage` or `docs` from it' }
}

async function* contractIs({ events, format }: Contract): AsyncGenerator<Finding> {
  yield { mark: 'good', about: 'contract', what: `${events.all.length} event types, format ${format.name}` }
  const bare = events.all.filter(({ example }) => example === undefined).map(({ type }) => type)
  if (bare.length > 0)
    yield {
      mark: 'note',
      about: 'contract',
      what: `without an example: ${bare.join(', ')}`,
      todo: 'give them an `example`: test events and the documentation are made of it',
    }
  for await (const { type, issues } of wrongExamples(events)) {
    const [issue] = issues
    const where = issue ? `: ${issue.path ? `${issue.path}: ` : ''}${issue.message}` : ''
    yield {
      mark: 'bad',
      about: 'contract',
      what: `the example of "${type}" does not fit its schema${where}`,
      todo: 'change the example: a test event of it is refused, and the documentation is wrong',
    }
  }
}

const MOST_SKEW_MS = 30_000
/** A process that is idle has taken within this what is due. */
const LIKELY_WAIT_MS = 30_000
/** After so long something that is due should have been taken, however busy. */
const MOST_WAIT_MS = 10 * 60_000

async function* storageIs(storage: Storage, { clock }: Io): AsyncGenerator<Finding> {
  const about = 'database'
  try {
    const { version, expected, weeksAhead, fewestWeeks } = await storage.schema.check()
    if (version < expected) {
      const what = `version ${version}, and ${expected} is needed`
      yield { mark: 'bad', about, what, todo: 'npx hooks migrate' }
      return
    }
    if (version > expected)
      yield {
        mark: 'note',
        about,
        what: `version ${version}, and these packages know ${expected}`,
        todo: 'bring the packages up to date',
      }
    else yield { mark: 'good', about, what: `version ${version}` }
    if (weeksAhead !== undefined) yield partitionsAre(weeksAhead, fewestWeeks)
    const asked = clock.now().getTime()
    const { at, due, unexpanded, oldestDueMs } = await storage.depth()
    yield clockIs(at.getTime(), asked, clock.now().getTime())
    yield waits(due + unexpanded, oldestDueMs)
  } catch (error) {
    if (!(error instanceof HooksError)) throw error
    const hint = error.hint === undefined ? {} : { todo: error.hint }
    yield { mark: 'bad', about, what: `${error.message} (${error.code})`, ...hint }
  }
}

function partitionsAre(weeks: number, fewest = 1): Finding {
  const about = 'partitions'
  if (weeks >= fewest) return { mark: 'good', about, what: `for ${weeks} weeks to come` }
  const todo = 'npx hooks migrate, as the role that owns the tables'
  return { mark: 'bad', about, what: `for ${weeks} weeks to come, and then none`, todo }
}

function clockIs(at: number, asked: number, answered: number): Finding {
  const about = 'clock'
  // The answer was on its way for some of the time.
  const skew = at < asked ? at - asked : at > answered ? at - answered : 0
  if (Math.abs(skew) <= MOST_SKEW_MS) return { mark: 'good', about, what: "this machine's and the database's agree" }
  const what = `this machine's is ${Math.round(Math.abs(skew) / 1000)} s ${skew < 0 ? 'ahead of' : 'behind'} the database's, and it signs with its own`
  return { mark: 'bad', about, what, todo: 'timedatectl set-ntp true' }
}

function waits(count: number, oldestMs: number | null): Finding {
  const about = 'work'
  if (oldestMs === null) return { mark: 'good', about, what: 'nothing is due' }
  if (oldestMs < LIKELY_WAIT_MS) return { mark: 'good', about, what: `due now: ${count}` }
  const what = `due: ${count}, the oldest for ${Math.round(oldestMs / 1000)} s`
  return {
    mark: oldestMs < MOST_WAIT_MS ? 'note' : 'bad',
    about,
    what,
    todo: 'does a process run that has called `start()`, or a cron route that calls `drain()`?',
  }
}

const NEW_SECRET = 'export HOOKS_SECRET=$(npx hooks secret)'

function* secretIs({ io, config }: Setup): Generator<Finding> {
  const { HOOKS_SECRET: secret } = io.env
  if (secret === undefined) return
  const about = 'HOOKS_SECRET'
  const format = config.contract?.format ?? standardWebhooks()
  const faults = (['verify', 'sign'] as const).map((use) => faultOf(() => format.keys(secret, use)))
  const [fault] = faults
  // Of a pair of keys one half verifies, and the other signs.
  if (faults.includes(undefined)) yield { mark: 'good', about, what: `a secret of the format ${format.name}` }
  else if (fault) yield { mark: 'bad', about, what: fault.message, todo: fault.hint ?? NEW_SECRET }
}

/** What is wrong, as an error of ours. */
function faultOf(act: () => unknown): HooksError | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (error instanceof HooksError) return error
    throw error
  }
}

function* environmentIs({ env }: Io): Generator<Finding> {
  if (env.NODE_TLS_REJECT_UNAUTHORIZED === '0')
    yield {
      mark: 'bad',
      about: 'certificates',
      what: 'nobody checks them: whoever is on the way reads and changes what is sent',
      todo: 'unset NODE_TLS_REJECT_UNAUTHORIZED',
    }
  const proxies = ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']
  const proxy = proxies.find((name) => env[name])
  if (proxy !== undefined)
    yield {
      mark: 'note',
      about: 'proxy',
      what: `${proxy} is set, and deliveries go without: the address that is checked is the one that is connected to`,
      todo: 'let this machine reach public addresses at port 443 by itself',
    }
}
