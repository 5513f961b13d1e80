import type { Intent } from './ledger.ts'
import { ProcessDied, startProcess } from './remote.ts'
import type { api } from './sender-process.ts'

export type SenderHost = ReturnType<typeof hostSender>

/** The sender process, which may die at any time, and the little that its host must do about that. */
export function hostSender(file: string) {
  const open = () => startProcess<typeof api>('./sender-process.ts', file)
  let sender = open()
  // It looks at what the other had in its hands while that is still so, however long a process takes to begin.
  const standby = open()
  let alive = true
  let restart: Promise<unknown> | undefined
  let unanswered = 0
  const repeated = { sends: 0, stored: 0 }

  /** A send without an answer is made again under the same key: however far the first one came, it is one message. */
  async function sendUntilAnswered(intent: Intent): Promise<{ readonly id: string; readonly duplicate: boolean }> {
    const asked = sender
    try {
      return await asked.call('send', intent)
    } catch (error) {
      await restart
      if (!(error instanceof ProcessDied) || asked === sender) throw error
      const sent = await sendUntilAnswered(intent)
      repeated.sends++
      if (sent.duplicate) repeated.stored++
      return sent
    }
  }

  async function killAndRestart(died: () => void): Promise<{ readonly inFlight: number }> {
    alive = false
    await sender.kill()
    died()
    // What the dead process was doing is in the file.
    const { deliveries } = await standby.call('report')
    sender = standby
    await sender.call('start')
    alive = true
    return { inFlight: deliveries.filter(({ state }) => state === 'sending').length }
  }

  return {
    start: () => Promise.all([sender.call('start'), standby.call('ready')]),
    createEndpoints: (receiverUrl: string) => sender.call('createEndpoints', receiverUrl),
    /** Resolves once the message is stored. */
    async send(intent: Intent): Promise<void> {
      unanswered++
      intent.messageId = (await sendUntilAnswered(intent)).id
      unanswered--
    },
    /** Null while there is no process to ask. */
    async report() {
      if (!alive) return null
      return sender.call('report').catch((error: unknown) => {
        if (error instanceof ProcessDied && !alive) return null
        throw error
      })
    },
    /** SIGKILL, and the process that stands by on the same file goes on. */
    killAndRestart(died: () => void) {
      const restarted = killAndRestart(died)
      restart = restarted
      return restarted
    },
    listen: () => sender.call('listen'),
    stop: () => sender.call('stop'),
    get alive() {
      return alive
    },
    /** Sends that wait for their answer. */
    get unanswered() {
      return unanswered
    },
    /** Sends that were made again, and of those, the ones whose message had been stored the first time. */
    repeated,
  }
}
