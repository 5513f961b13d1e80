import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { compiledScript } from 'tooling/script'
import { FRAMEWORKS } from './plan.ts'
import type { Ready, Stage } from './play.ts'

/** Processes of `host.ts`. */
export async function processes(): Promise<Stage> {
  const script = await compiledScript(new URL('./host.ts', import.meta.url))
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
