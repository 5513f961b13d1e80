import { fork } from 'node:child_process'

/** What a process offers: functions by name. */
type Api = Readonly<Record<string, (...args: never[]) => unknown>>
type Call = { readonly id: number; readonly name: string; readonly args: readonly never[] }
type Reply = { readonly id: number; readonly result?: unknown; readonly error?: string }

/** A process whose functions are called over IPC. */
export interface Remote<A extends Api> {
  /** @throws ProcessDied where the process ends before it answers */
  call<N extends keyof A & string>(name: N, ...args: Parameters<A[N]>): Promise<Awaited<ReturnType<A[N]>>>
  /** SIGKILL: it gets no chance to put anything in order. Resolves when it is dead. */
  kill(): Promise<void>
}

/** The process died before it answered. Whether it did what it was asked is not known. */
export class ProcessDied extends Error {}

/** Starts a process of this folder, under the same flags as this one. */
export function startProcess<A extends Api>(file: string, ...args: string[]): Remote<A> {
  const child = fork(new URL(file, import.meta.url), args, { serialization: 'advanced' })
  const pending = new Map<number, { resolve(value: never): void; reject(error: Error): void }>()
  let calls = 0

  child.on('message', ({ id, result, error }: Reply) => {
    const { resolve, reject } = pending.get(id) ?? {}
    pending.delete(id)
    if (error === undefined) resolve?.(result as never)
    else reject?.(new Error(error))
  })
  const dead = new Promise<void>((resolve) => {
    child.on('exit', () => {
      for (const { reject } of pending.values()) reject(new ProcessDied(`${file} has died`))
      pending.clear()
      resolve()
    })
  })
  process.on('exit', () => child.kill('SIGKILL'))

  return {
    call: (name, ...args) =>
      new Promise((resolve, reject) => {
        const id = ++calls
        pending.set(id, { resolve, reject })
        child.send({ id, name, args }, (error) => error && reject(new ProcessDied(`${file} has died`)))
      }),
    kill() {
      child.kill('SIGKILL')
      return dead
    },
  }
}

/** The other side: answers the calls of the process that started this one, and ends with it. */
export function serve(api: Api): void {
  process.on('message', async ({ id, name, args }: Call) => {
    try {
      process.send?.({ id, result: await api[name]?.(...args) })
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
  process.on('disconnect', () => process.exit())
  // A Ctrl-C reaches all three processes. The first one decides.
  process.on('SIGINT', () => {})
}
