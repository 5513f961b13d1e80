import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { kinds } from './endpoints.ts'
import { keepRunning } from './keep.ts'
import { balanced, type DeliveryRow, type Intent, type Ledger, ledgerLines, settle } from './ledger.ts'
import { printedEvents, products } from './products.ts'
import type { api as receiverApi } from './receiver-process.ts'
import { startProcess } from './remote.ts'
import { createScreen } from './screen.ts'
import { hostSender, type SenderHost } from './sender-host.ts'
import { paint, seconds } from './table.ts'

const ROUNDS = 5
const ROUND_MS = 600
/** Half-way. */
const KILL_IN_ROUND = 2
const KILL_AFTER_MS = 15
const LOOK_EVERY_MS = 150
const GIVE_UP_MS = 26_000

/** Runs the two processes, kills one of them, and holds what arrived against what was sent. Returns the exit code. */
export async function runDemo({ keep }: { readonly keep: boolean }): Promise<number> {
  const started = performance.now()
  const elapsed = () => performance.now() - started
  const screen = createScreen()
  const say = (text: string) => screen.say(`${seconds(elapsed())}  ${text}`)

  say(`${products.map(({ name }) => name).join(', ')}: each delivers to one endpoint of each kind`)
  for (const { name, does } of kinds) screen.say(`          ${name.padEnd(8)} ${does}`)

  // A receiver, and a sender on a new SQLite file.
  const receiver = startProcess<typeof receiverApi>('./receiver-process.ts')
  const sender = hostSender(join(temporaryFolder(), 'webhooks.sqlite'))

  // The customer adds its endpoints, and its receiver gets their secrets.
  const receiverUrl = await receiver.call('listen')
  const endpoints = await sender.createEndpoints(receiverUrl)
  await receiver.call('mount', endpoints)
  await sender.start()
  say(`${endpoints.length} endpoints created, secrets handed over`)

  // Messages are sent while we look on, until all are stored and the sender has nothing left to do.
  const rounds = plan()
  const intents = rounds.flat()
  let allSent = false
  void sendAll(rounds, sender, say).then(() => {
    allSent = true
  })
  let deliveries: readonly DeliveryRow[] = []
  async function look() {
    const last = allSent
    const report = await sender.report()
    const { handled, duplicates } = await receiver.call('report')
    deliveries = report?.deliveries ?? deliveries
    screen.show({ elapsedMs: elapsed(), alive: sender.alive, intents, endpoints, deliveries, duplicates })
    return { handled, duplicates, done: last && report?.idle === true }
  }
  let seen = await look()
  while (!seen.done && elapsed() < GIVE_UP_MS) {
    await sleep(LOOK_EVERY_MS)
    seen = await look()
  }

  if (!seen.done) say('it takes too long: what is still under way counts as lost')

  const ledger = settle(intents, endpoints, deliveries, seen.handled, seen.duplicates)
  for (const line of ['', ...ledgerLines(ledger), '', verdict(ledger, elapsed())]) console.log(line)
  if (keep) await keepRunning(await sender.listen(), receiverUrl)
  if (seen.done) await sender.stop()
  return balanced(ledger) ? 0 : 1
}

function verdict(ledger: Ledger, elapsedMs: number): string {
  const end = `after ${seconds(elapsedMs).trim()}, with failures, lost answers and a SIGKILL on the way.`
  if (balanced(ledger)) return paint('green', `Every message reached each of its endpoints, once: ${end}`)
  return paint('red', `${ledger.lost} lost, ${ledger.twice} handled twice, ${ledger.unexpected} unexpected ${end}`)
}

/** All that is to be sent: every event that the products' documents print, in every round. */
function plan(): Intent[][] {
  const start = Math.floor(Date.now() / 1000) - ROUNDS
  return Array.from({ length: ROUNDS }, (_, round) => {
    // A second of its own for each round: Grillo's ids are not signed, so its receiver takes equal bytes for one event.
    const occurredAt = new Date((start + round) * 1000)
    return products.flatMap((product) =>
      printedEvents(product).map(({ type }) => ({
        key: `${round} ${product.name} ${type}`,
        product: product.name,
        type,
        occurredAt,
      })),
    )
  })
}

/** Sends round after round. In the middle of one the sender dies. */
async function sendAll(rounds: Intent[][], sender: SenderHost, say: (text: string) => void): Promise<void> {
  const sends: Promise<void>[] = []
  for (const [i, round] of rounds.entries()) {
    const sending = round.map((intent) => sender.send(intent))
    sends.push(...sending)
    if (i === KILL_IN_ROUND) {
      // So soon that sends have no answer yet, whether they are stored or not.
      await sleep(KILL_AFTER_MS)
      const { inFlight } = await sender.killAndRestart(() => {
        say(`SIGKILL: the sender is dead, and ${sender.unanswered} sends are without an answer`)
      })
      say(
        `the sender that stands by on the same file finds ${inFlight} deliveries in flight: they are due when their leases end`,
      )
    }
    await sleep(ROUND_MS)
  }
  await Promise.all(sends)
  const { sends: again, stored } = sender.repeated
  say(`all sends have an answer: ${again} were made again, of which ${stored} had been stored before the kill`)
}

/** A folder that goes when this process goes, for whatever reason. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hooks-demo-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}
