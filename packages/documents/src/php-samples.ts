import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Sample } from './node-samples.ts'

const found = spawnSync('php', ['--version']).status === 0
export const php = found || process.env.CI === 'true'
if (!php) console.info('the PHP samples are not run, because there is no php')

/** Printed PHP code, as it is, behind PHP's own server. */
export const runPhp = async (
  code: string,
  given: {
    readonly environment?: Readonly<Record<string, string>>
    /** Functions that the code calls and does not define. */
    readonly handlers?: readonly string[]
  } = {},
): Promise<Pick<Sample, 'post' | 'close'>> => {
  const { environment = {}, handlers = [] } = given
  const folder = mkdtempSync(join(tmpdir(), 'php-sample-'))
  writeFileSync(join(folder, 'sample.php'), code)
  // PHP's server runs this script for every request.
  const functions = handlers.map((name) => `function ${name}($data) {}`).join('\n')
  writeFileSync(join(folder, 'router.php'), `<?php\n${functions}\nrequire __DIR__ . '/sample.php';\n`)
  const port = await freePort()
  const listening = ['-d', 'display_errors=0', '-S', `127.0.0.1:${port}`]
  const server = spawn('php', [...listening, join(folder, 'router.php')], {
    env: { ...process.env, ...environment },
    stdio: 'ignore',
  })
  const ended = new Promise<void>((over) => server.once('close', () => over()))
  const close = async () => {
    server.kill()
    await ended
    rmSync(folder, { recursive: true })
  }
  const origin = `http://127.0.0.1:${port}`
  for (let tries = 1; !(await isUp(origin)); tries++) {
    if (tries < 300 && server.exitCode === null) await sleep(100)
    else {
      await close()
      throw new Error("PHP's server did not start")
    }
  }
  return {
    async post(path, headers, body) {
      const answer = await fetch(origin + path, { method: 'POST', headers, body })
      return { status: answer.status, body: await answer.text() }
    },
    close,
  }
}

const isUp = (origin: string) =>
  fetch(origin).then(
    () => true,
    () => false,
  )

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  const { port } = server.address() as AddressInfo
  await new Promise((closed) => server.close(closed))
  return port
}
