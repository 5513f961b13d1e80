import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { createResolver } from '../../src/http/resolver.ts'
import { testTransport } from './network.ts'

it('a name server of our own that nobody runs is no fault of the name', async () => {
  const transport = testTransport({ resolver: createResolver({ servers: ['127.0.0.1:9'], timeoutMs: 200 }) })
  expect(await transport.post('http://a.example/')).toMatchObject({ error: 'sender_resources', sent: false })
})

it.runIf(process.platform === 'linux')(
  'a process without a file descriptor left blames neither name nor host',
  async () => {
    const program = new URL('./without-files.ts', import.meta.url).pathname
    const node = `exec "$0" --conditions=@hooks/source --import tsx "${program}"`
    const { stdout } = await promisify(execFile)('sh', ['-c', `ulimit -n 128; ${node}`, process.execPath])
    expect(JSON.parse(stdout)).toEqual(['sender_resources', 'sender_resources'])
  },
)
