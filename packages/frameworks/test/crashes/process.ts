import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { build, type OnResolveArgs } from 'esbuild'
import { FRAMEWORKS } from './plan.ts'
import type { Ready, Stage } from './play.ts'

/** Processes of `host.ts`. */
export async function processes(): Promise<Stage> {
  const script = await bundleHost()
  return { frameworks: FRAMEWORKS, standBy: () => standBy(script) }
}

async function standBy(script: string): Promise<Ready> {
  const child: ChildProcess = fork(script, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const over = once(child, 'exit')
  const kill = () => void child.kill('SIGKILL')
  const told = async <T>(message?: object): Promise<T> => {
    const answered = once(child, 'message')
    if (message) child.send(message)
    const early = over.then(([code]) => Promise.reject(new Error(`the host ended with ${code} before it answered`)))
    const [answer] = await Promise.race([answered, early])
    return answer
  }
  await told()
  return {
    kill,
    async serve(plan) {
      const { port } = await told<{ port: number }>({ serve: plan })
      return { port, over, kill, arm: (point) => told({ arm: point }) }
    },
  }
}

const outside = ({ path, kind }: OnResolveArgs) =>
  path.startsWith('@hooks/') || kind === 'entry-point' ? undefined : { path, external: true }

/** The host's program in one file, without what it takes from npm: a process that compiles nothing starts in a fifth of the time. */
async function bundleHost(): Promise<string> {
  const outfile = fileURLToPath(new URL('../../node_modules/.cache/crashes/host.mjs', import.meta.url))
  await build({
    entryPoints: [fileURLToPath(new URL('./host.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    conditions: ['@hooks/source'],
    plugins: [{ name: 'npm-stays-outside', setup: ({ onResolve }) => onResolve({ filter: /^[^./]/ }, outside) }],
  })
  return outfile
}
