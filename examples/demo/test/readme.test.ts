import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'

const here = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')

/** Code blocks of the README: by file name where they have one, else by a word that is in them. */
const blocks = [...readme.matchAll(/^```ts ?(\S*)\n([\s\S]*?)^```$/gm)].map(([, name = '', code = '']) => ({
  name,
  code,
}))
function block(name: string): string {
  const found = blocks.find((one) => one.name === name || (one.name === '' && one.code.includes(name)))
  if (!found) throw new Error(`the README has no block "${name}"`)
  return found.code
}

/** Both sides are given it, as the README has it. */
const SECRET = { WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}` }

/** A folder for each test, with a database of its own; inside this package, so that the packages' names mean the workspace. */
let folder: string
beforeEach(() => {
  mkdirSync(join(here, '.readme'), { recursive: true })
  folder = mkdtempSync(join(here, '.readme', 'run-'))
})
const running: ChildProcess[] = []
afterAll(() => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(join(here, '.readme'), { recursive: true })
})

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/** Runs a file of the folder. `prints` waits for a line. */
function run(file: string, env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--conditions=@hooks/source', '--import', tsx, file], {
    cwd: folder,
    env: { ...process.env, ...env },
  })
  running.push(child)
  let output = ''
  const listeners: (() => void)[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk
      for (const listener of listeners) listener()
    })
  }
  const prints = (line: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const found = line.exec(output)
        if (found) resolve(found)
      }
      listeners.push(look)
      child.on('exit', (code) => reject(new Error(`${file} ended with ${code}: ${output}`)))
      look()
    })
  return { prints, alive: () => child.exitCode === null || Promise.reject(new Error(`${file} has ended: ${output}`)) }
}

/** Until a server answers. */
async function reached(url: string, alive: () => boolean | Promise<never>): Promise<void> {
  while (await alive()) {
    const answer = await fetch(url).catch(() => null)
    if (answer?.ok) return
    await sleep(100)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('the README', () => {
  it('shows a sender and a receiver that work together as they stand', { timeout: 180_000 }, async () => {
    const port = await freePort()
    for (const name of ['contract.ts', 'send.ts', 'receive.ts'])
      writeFileSync(join(folder, name), block(name).replaceAll('4000', String(port)))
    const { prints } = run('receive.ts', SECRET)
    run('send.ts', SECRET)
    await prints(/2 seats for booking_1/)
  })

  it('shows a page for customers that is there as it stands', { timeout: 180_000 }, async () => {
    const port = await freePort()
    for (const name of ['contract.ts', 'send.ts']) writeFileSync(join(folder, name), block(name))
    writeFileSync(join(folder, 'portal.ts'), block('portal.ts').replace('3000', String(port)))
    const { alive } = run('portal.ts', SECRET)
    const page = `http://127.0.0.1:${port}/settings/webhooks/`
    await reached(page, alive)
    expect(await (await fetch(page)).text()).toMatch(/^<!doctype html>/i)
    const { data } = (await (await fetch(`${page}api/v1/endpoints`)).json()) as { data: { url: string }[] }
    expect(data.map(({ url }) => url)).toContain('http://localhost:4000/webhooks')
  })

  it('shows a send that rolls back with its transaction', { timeout: 180_000 }, async () => {
    const prelude = `
      import { createSender } from '@hooks/sender'
      import { sqliteStorage } from '@hooks/sqlite'
      import Database from 'libsql'
      import { contract } from './contract.ts'
      const db = new Database('bookings.sqlite')
      db.exec('create table booking (id text, seats integer)')
      const hooks = createSender({ contract, storage: sqliteStorage(db as never) })
    `
    const after = `
      const message = async () => (await hooks.messages.list('acme')).data.length
      console.log('committed', db.prepare('select count(*) as n from booking').get().n, await message())
      try { db.transaction(() => { db.prepare('insert into booking values (?, ?)').run('b2', 1); hooks.sendSync('booking.created', { id: 4711 } as never, { tenant: 'acme', tx: db as never }) })() } catch {}
      console.log('rolled back', db.prepare('select count(*) as n from booking').get().n, await message())
    `
    writeFileSync(join(folder, 'contract.ts'), block('contract.ts'))
    writeFileSync(
      join(folder, 'transaction.ts'),
      prelude + block('sendSync').replace('tx: db', 'tx: db as never') + after,
    )
    const { prints } = run('transaction.ts')
    await prints(/committed 1 1/)
    await prints(/rolled back 1 1/)
  })

  it('shows a wire format that can be made', { timeout: 180_000 }, async () => {
    writeFileSync(join(folder, 'format.ts'), `${block('hmacFormat')}\nconsole.log(JSON.stringify(format.facts))`)
    await run('format.ts').prints(/\{"id":"signed","sentAt":"signed","body":"signed","url":"absent"\}/)
  })

  it('names packages and commands that exist', () => {
    const root = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
    for (const [, command = ''] of readme.matchAll(/^npx -y pnpm@[\d.]+ (\w+)/gm))
      expect(Object.keys(root.scripts)).toContain(command)
    expect(readme).toContain(`npx -y ${root.packageManager} demo`)
    expect(blocks.map(({ name }) => name).filter(Boolean)).toEqual([
      'contract.ts',
      'send.ts',
      'receive.ts',
      'portal.ts',
    ])
  })
})
