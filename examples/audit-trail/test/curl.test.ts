import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expressPortal } from '@hooks/express'
import { block } from 'documents'
import express from 'express'
import { describe, expect, it } from 'vitest'
import { stage, TENANT } from './stage.ts'

const has = (program: string, flag: string) => spawnSync(program, [flag]).status === 0
const canRun = has('curl', '--version') && has('openssl', 'version')

describe.skipIf(!canRun)('the printed commands, in a shell', () => {
  it('create a webhook, test it and show its deliveries, to the letter but for {id} (A2, A30, A33)', {
    timeout: 60_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'audit-trail-'))
    const { api, hooks, clock, received } = stage()
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const name = ['-subj', '/CN=api.audit-trail.io', '-addext', 'subjectAltName=DNS:api.audit-trail.io']
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', ...name]
    execFileSync('openssl', made, { stdio: 'pipe' })
    const app = express().use('/api/v1/webhooks', expressPortal(api))
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, app)
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    // What stands between the document and the network: where the host is, and who vouches for it.
    const { port } = server.address() as AddressInfo
    const config = [
      `connect-to = "api.audit-trail.io:443:127.0.0.1:${port}"`,
      `cacert = "${cert}"`,
      'noproxy = "*"',
      'silent',
      'fail',
    ]
    writeFileSync(join(folder, '.curlrc'), config.join('\n'))
    const shell = async (command: string) => {
      const env = { ...process.env, CURL_HOME: folder, HOME: folder }
      return JSON.parse((await promisify(execFile)('sh', ['-c', command], { env })).stdout)
    }
    try {
      const { id, tenantId } = await shell(block('audit-trail', 'bash', '"tenantId"'))
      expect([(await hooks.endpoints.list(TENANT)).data.map((one) => one.id), tenantId]).toEqual([[id], TENANT])
      hooks.start()
      await shell(block('audit-trail', 'bash', '/test').replace('{id}', id))
      await clock.advance(1_000)
      expect(received).toHaveLength(1)
      const shown = await shell(block('audit-trail', 'bash', '/deliveries').replace('{id}', id))
      expect(shown).toMatchObject({ deliveries: [{ status: 200, success: true }] })
    } finally {
      await hooks.stop()
      server.close()
      rmSync(folder, { recursive: true })
    }
  })
})
