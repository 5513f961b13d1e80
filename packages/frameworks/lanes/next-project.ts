import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { freePort, type Running, run } from '../test/pages.ts'

export const NEXT_VERSIONS = process.env.NEXT_VERSIONS?.split(',') ?? ['16.4.6', '15.5.29']

export const nextDependencies = (version = NEXT_VERSIONS[0] ?? '') => ({
  next: version,
  react: '19.3.1',
  'react-dom': '19.3.1',
  typescript: '5.9.3',
  '@types/node': '20.19.43',
  '@types/react': '19.2.0',
})

const ENVIRONMENT = {
  NODE_ENV: 'production',
  NEXT_TELEMETRY_DISABLED: '1',
  // What the unit tests set for themselves is nothing to a server.
  NODE_OPTIONS: '',
}

const next = (folder: string) => join(folder, 'node_modules/next/dist/bin/next')

/** `next build`. Throws with all that it printed. */
export function buildNext(folder: string, env: Readonly<Record<string, string>> = {}): void {
  const options = {
    cwd: folder,
    env: { ...process.env, ...ENVIRONMENT, ...env },
    encoding: 'utf8',
    stdio: 'pipe',
  } as const
  try {
    execFileSync(process.execPath, [next(folder), 'build'], options)
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`next build\n${stdout}\n${stderr}`)
  }
}

/** `next start` or `next dev`, when it listens. */
export async function startNext(
  folder: string,
  command: 'start' | 'dev',
  env: Readonly<Record<string, string>>,
): Promise<[number, Running]> {
  const port = await freePort()
  const mode = { NODE_ENV: command === 'dev' ? 'development' : 'production' }
  const args = [next(folder), command, '-p', String(port), '-H', '127.0.0.1']
  const server = run(process.execPath, args, folder, { ...ENVIRONMENT, ...mode, ...env })
  await server.listening(port)
  return [port, server]
}
