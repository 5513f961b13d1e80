import { setTimeout as sleep } from 'node:timers/promises'
import { observe } from './observer.ts'
import type { HostPlan } from './plan.ts'
import type { Stage } from './play.ts'
import { isDone, post } from './post.ts'

/** What came of one message that came many times at once. */
export interface Flood {
  /** How often its effect is there. */
  readonly effects: number
  /** How many answers of 2xx had a first byte before the effect was committed. */
  readonly early: number
  /** By status, how many answers there were: 0 where the connection broke. */
  readonly answers: Readonly<Record<string, number>>
}

/** One message comes many times at once, to a host whose handler fails before its effect and after it. Each copy goes on until it is answered with 2xx. */
export async function flood(stage: Stage, plan: Omit<HostPlan, 'framework'>, copies: number): Promise<Flood> {
  const observer = await observe(plan.database)
  const host = await (await stage.standBy()).serve({ ...plan, framework: stage.frameworks[0] as string, fails: true })
  const answers: Record<string, number> = {}
  let early = 0
  const insist = async (): Promise<void> => {
    for (;;) {
      const status = await post(host.port, 'msg_1', async (answered) => {
        if (isDone(answered) && (await observer.effects('msg_1')) === 0) early++
      })
      answers[status] = (answers[status] ?? 0) + 1
      if (isDone(status)) return
      await sleep(20)
    }
  }
  try {
    await Promise.all(Array.from({ length: copies }, insist))
    return { effects: await observer.effects('msg_1'), early, answers }
  } finally {
    host.kill()
    await host.over
    await observer.close()
  }
}
