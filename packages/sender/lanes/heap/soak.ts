import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createAddressPolicy } from '../../src/http/addresses.ts'
import { createResolver } from '../../src/http/resolver.ts'
import { createTransport } from '../../src/http/transport.ts'
import { AUTHORITY } from '../../test/http/certificates.ts'
import type { Receivers, Row } from './receivers.ts'

/**
 * `node --expose-gc soak.ts 20000`: one attempt after the other at every hostile receiver, with an eye on the clock; then so
 * many attempts against all of them, each at a name of its own. Over the last
 * half of them the heap is looked at ten times, when nothing is in flight, no connection is kept and all garbage is gone. Prints what it found, as JSON.
 */
export interface HeapReport {
  readonly attempts: number
  /** Receivers with which the sender was not done in time when there was one attempt at a time, or not as it should. */
  readonly late: readonly string[]
  /** The longest that such an attempt went on after its deadline, in ms. */
  readonly overtime: number
  /** The heap in use at each look, in bytes. */
  readonly heap: readonly number[]
  /** Of the line through them, in bytes an attempt. */
  readonly slope: number
  /** Attempts that came to something else than the receiver's row says, with what. */
  readonly odd: Readonly<Record<string, number>>
  /** Receivers that never did what their rows say. */
  readonly unseen: readonly string[]
  /** Sockets that were open when the transport had been closed. */
  readonly sockets: number
}

const ATTEMPTS = Number(process.argv[2])
const LOOKS = 10
const IN_FLIGHT = 32
/** What hangs does so for this long; everything else has its time, however busy the machine. */
const SHORT_MS = 300
const LONG_MS = 15_000
/** Where there is one attempt at a time: its deadline, and how much later it may be over. */
const DEADLINE_MS = 1_000
const MOST_OVERTIME_MS = 100

const child = fork(fileURLToPath(new URL('./receivers.ts', import.meta.url)), { execArgv: process.execArgv })
const [{ dns, rows }] = (await once(child, 'message')) as [Receivers]

const transport = createTransport({
  addresses: createAddressPolicy({ allowPrivateNetworks: ['127.0.0.1/32'] }),
  resolver: createResolver({ servers: [dns], timeoutMs: LONG_MS, tries: 1 }),
  connectTimeoutMs: LONG_MS,
  bodyWindowMs: 100,
  ca: [AUTHORITY],
})

const odd: Record<string, number> = {}
const unseen = new Set(rows.map(({ does }) => does))
let next = 0

async function send({ url, bodyBytes = 2 }: Row, n: number, ms: number): Promise<string | number> {
  const got = await transport.send({
    url: new URL(url.replace('{n}', String(n))),
    headers: { 'content-type': 'application/json' },
    body: Buffer.alloc(bodyBytes, 0x20),
    deadline: performance.now() + ms,
  })
  return 'status' in got ? got.status : got.error
}

const late: string[] = []
let overtime = 0

/** One attempt, which has to be over in time. */
async function attemptInTime(row: Row): Promise<void> {
  const from = performance.now()
  const came = await send(row, next++, DEADLINE_MS)
  const over = performance.now() - from - DEADLINE_MS
  overtime = Math.max(overtime, over)
  if (over > MOST_OVERTIME_MS || came !== row.answer)
    late.push(`${row.does}: ${came}, ${Math.round(over)} ms after its deadline`)
}

async function attempt(row: Row, n: number): Promise<void> {
  const { does, answer } = row
  const came = await send(row, n, String(answer).endsWith('_timeout') ? SHORT_MS : LONG_MS)
  if (came === answer) return void unseen.delete(does)
  const what = `${does}: ${came}`
  odd[what] = (odd[what] ?? 0) + 1
}

async function run(until: number): Promise<void> {
  const one = async () => {
    while (next < until) {
      const n = next++
      await attempt(rows[n % rows.length] as Row, n)
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, one))
}

const sockets = () => process.getActiveResourcesInfo().filter((what) => /TCP|TLS|Query/.test(what)).length

/** When what is kept for the next request has been let go: 4 s, unless it is never. */
async function settledHeap(): Promise<number> {
  const until = performance.now() + LONG_MS
  while (sockets() > 0 && performance.now() < until) await sleep(100)
  for (let i = 0; i < 3; i++) {
    await sleep(20)
    globalThis.gc?.()
  }
  return process.memoryUsage().heapUsed
}

/** Least squares. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length
  const [x, y] = [mean(0), mean(1)]
  const over = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0)
  return over / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
}

for (const row of rows) await attemptInTime(row)
next = 0
const heap: number[] = []
const points: [number, number][] = []
for (let look = 0; look <= LOOKS; look++) {
  await run(Math.round((ATTEMPTS * (LOOKS + look)) / (2 * LOOKS)))
  heap.push(await settledHeap())
  points.push([next, heap.at(-1) as number])
}
await transport.close?.()
await settledHeap()
const report: HeapReport = {
  attempts: next,
  late,
  overtime,
  heap,
  slope: slopeOf(points),
  odd,
  unseen: [...unseen],
  sockets: sockets(),
}
console.log(JSON.stringify(report))
child.disconnect()
