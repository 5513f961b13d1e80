import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/**
 * `pnpm soak [--kills 100] [--messages 100]`: a process that sends and delivers on one SQLite file is killed with
 * SIGKILL again and again. Every send that was acknowledged must be received by all ten endpoints; what is received
 * twice must be no more than what was in flight at the kills, and what was in flight at five kills in a row is on record
 * as poison. Exits 1 otherwise.
 */
const { values } = parseArgs({
  options: { kills: { type: 'string', default: '100' }, messages: { type: 'string', default: '100' } },
})
const KILLS = Number(values.kills)
const MESSAGES = Number(values.messages)
const ENDPOINTS = 10
const IN_FLIGHT = 8

const folder = mkdtempSync(join(tmpdir(), 'hooks-soak-'))
const file = join(folder, 'soak.sqlite')
/** By endpoint and message, how often it was received. */
const received = new Map<string, number>()

const server = createServer((request, response) => {
  request.resume()
  request.on('end', async () => {
    const key = `${request.url} ${request.headers['webhook-id']}`
    received.set(key, (received.get(key) ?? 0) + 1)
    await sleep(40 + Math.random() * 160)
    response.writeHead(204).end()
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo

/** By number, the id under which a message was acknowledged. */
const acknowledged = new Map<number, string>()
let worker!: ChildProcess
let told: ((message: unknown) => void) | undefined

function start(): Promise<unknown> {
  worker = fork(fileURLToPath(new URL('./soak/worker.ts', import.meta.url)), [file, String(IN_FLIGHT)], {
    execArgv: process.execArgv,
  })
  worker.on('message', (message: { sent?: number; id?: string }) => {
    if (message.sent !== undefined) acknowledged.set(message.sent, message.id as string)
    told?.(message)
  })
  return answer((message) => message === 'ready')
}

function answer(wanted: (message: unknown) => boolean): Promise<unknown> {
  return new Promise((resolve) => {
    told = (message) => {
      if (wanted(message)) resolve(message)
    }
  })
}

async function ask<T>(command: unknown, key: string): Promise<T> {
  const answered = answer((message) => typeof message === 'object' && message !== null && key in message)
  worker.send(command as never)
  return (await answered) as T
}

const began = performance.now()
await start()
for (let i = 0; i < ENDPOINTS; i++) await ask({ endpoint: `http://127.0.0.1:${port}/${i}` }, 'created')

let next = 0
for (let kill = 1; kill <= KILLS; kill++) {
  // What was sent and not acknowledged before the kill is sent again, under its key.
  for (let n = 0; n < next; n++) if (!acknowledged.has(n)) worker.send({ send: n })
  const upTo = Math.ceil((MESSAGES * kill) / KILLS)
  while (next < upTo) worker.send({ send: next++ })
  await sleep(100 + Math.random() * 600)
  worker.kill('SIGKILL')
  await new Promise((resolve) => worker.once('exit', resolve))
  await start()
  if (process.stdout.isTTY || kill % 10 === 0)
    process.stdout.write(
      `${process.stdout.isTTY ? '\r' : ''}  ${kill} kills, ${received.size} received${process.stdout.isTTY ? '' : '\n'}`,
    )
}
for (let n = 0; n < next; n++) if (!acknowledged.has(n)) await ask({ send: n }, 'sent')

type Report = {
  report: { open: number; unexpanded: number; states: Record<string, number>; failures: string[] }
}
let report = await ask<Report>('report', 'report')
for (let i = 0; i < 120 && report.report.open + report.report.unexpanded > 0; i++) {
  await sleep(500)
  report = await ask<Report>('report', 'report')
}
worker.kill('SIGTERM')
server.close()
server.closeAllConnections()
rmSync(folder, { recursive: true })

const ids = new Set(acknowledged.values())
const wanted = [...ids].flatMap((id) => Array.from({ length: ENDPOINTS }, (_, i) => `/${i} ${id}`))
const lost = wanted.filter((key) => !received.has(key)).length
const unexpected = [...received.keys()].filter((key) => !wanted.includes(key)).length
const duplicates = [...received.values()].reduce((sum, count) => sum + count - 1, 0)
const bound = IN_FLIGHT * KILLS
const { open, states, failures } = report.report
// Killed in five claims in a row: rare, promised, and on record.
const poison = failures.filter((reason) => reason === 'poison').length
console.log(
  `\n${KILLS} kills with SIGKILL over ${wanted.length} deliveries on SQLite, ${((performance.now() - began) / 1000).toFixed(0)} s`,
)
console.log(
  `  lost ${lost}, unexpected ${unexpected}, stuck ${open}, given up as poison ${poison}, duplicates ${duplicates} (at most ${IN_FLIGHT} in flight x ${KILLS} kills = ${bound})`,
)
const good =
  lost === 0 &&
  unexpected === 0 &&
  open === 0 &&
  (states.delivered ?? 0) + poison === wanted.length &&
  duplicates <= bound &&
  ids.size === MESSAGES
process.exitCode = good ? 0 : 1
