import { type ChildProcess, fork } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { load } from './load.ts'
import { payload } from './payload.ts'
import type { Section } from './report.ts'
import { measure } from './rounds.ts'

const KEY = Buffer.alloc(32, 7)
const CONNECTIONS = 16
const COUNT = 20_000

/** A receiver behind a framework, beside the same server with a verification that was written by hand. */
export async function serverSections(rounds: number): Promise<Section[]> {
  const sections: Section[] = []
  for (const framework of ['Express', 'Fastify']) {
    const children = ['by-hand', 'hooks'].map((one) =>
      fork(fileURLToPath(new URL('./receiving.ts', import.meta.url)), [`${framework.toLowerCase()}-${one}`], {
        execArgv: process.execArgv,
      }),
    )
    try {
      const [byHand = 0, hooks = 0] = await Promise.all(children.map(portOf))
      for (const [label, size] of [
        ['1 KB', 1_024],
        ['16 KB', 16_384],
      ] as const) {
        const bytes = request(payload(size))
        const run = (port: number, child: ChildProcess) => async () => {
          const from = await processorMs(child)
          const count = await load(port, bytes, COUNT, CONNECTIONS)
          return { count, ms: (await processorMs(child)) - from }
        }
        const results = await measure(
          [
            { name: `${framework}, verified by hand`, run: run(byHand, children[0] as ChildProcess) },
            { name: `${framework}, @hooks/receiver`, run: run(hooks, children[1] as ChildProcess) },
          ],
          rounds,
        )
        const title = `receive behind ${framework}, loopback, ${CONNECTIONS} connections, ${label}, by the server's processor time`
        sections.push({ title, target: 'ours at least 0.90 of the limit', results })
      }
    } finally {
      for (const child of children) child.kill()
    }
  }
  return sections
}

/** What the server itself took: who else is busy on this machine, and who asks, is left out. */
async function processorMs(child: ChildProcess): Promise<number> {
  const told = once(child, 'message')
  child.send('how long?')
  const [ms] = await told
  return ms as number
}

async function portOf(child: ChildProcess): Promise<number> {
  const [port] = await once(child, 'message')
  return port as number
}

/** A signed request, to the byte. */
function request(text: string): Buffer {
  const body = Buffer.from(text)
  const id = 'msg_2KWPBgLlAfxdpx2AI54pPJ85f4W'
  const time = String(Math.floor(Date.now() / 1000))
  const signature = createHmac('sha256', KEY).update(`${id}.${time}.`).update(body).digest('base64')
  const lines = [
    'POST /webhooks HTTP/1.1',
    'host: 127.0.0.1',
    'content-type: application/json',
    `content-length: ${body.length}`,
    `webhook-id: ${id}`,
    `webhook-timestamp: ${time}`,
    `webhook-signature: v1,${signature}`,
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body])
}
