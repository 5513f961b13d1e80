import { useEffect, useRef, useState } from 'preact/hooks'
import { type Problem, problemOf } from './api.ts'

export interface Loaded<T> {
  readonly value: T | undefined
  readonly problem: Problem | undefined
  /** Asks again; what is there stays meanwhile, and where that fails. */
  reload(): Promise<void>
  /** Puts in what an answer already said. */
  set(value: T): void
}

/** What the API says, asked again whenever `by` changes. A late answer to an earlier question is dropped. */
export function useLoaded<T>(load: () => Promise<T>, by: readonly unknown[]): Loaded<T> {
  const key = JSON.stringify(by)
  const asked = useRef(0)
  const [state, setState] = useState<{ key: string; value?: T; problem?: Problem | undefined }>({ key })

  const reload = async () => {
    const turn = ++asked.current
    const settle = (found: { value?: T; problem: Problem | undefined }) => {
      if (turn === asked.current) setState((before) => ({ ...(before.key === key && before), key, ...found }))
    }
    try {
      settle({ value: await load(), problem: undefined })
    } catch (error) {
      settle({ problem: problemOf(error) })
    }
  }
  useEffect(() => {
    void reload()
    return () => {
      asked.current++
    }
  }, [key])

  const current = state.key === key ? state : undefined
  return {
    value: current?.value,
    problem: current?.problem,
    reload,
    set: (value) => {
      asked.current++
      setState({ key, value })
    },
  }
}

/** Runs `turn` every `ms` while the page is looked at. */
export function useEvery(ms: number, turn: () => unknown, active = true): void {
  const latest = useRef(turn)
  latest.current = turn
  useEffect(() => {
    if (!active) return
    const timer = setInterval(() => {
      if (!document.hidden) latest.current()
    }, ms)
    return () => clearInterval(timer)
  }, [ms, active])
}

/** One thing at a time: a second click while the first is under way does nothing. */
export function useBusy(): [boolean, (work: () => Promise<unknown>) => Promise<void>] {
  const [busy, setBusy] = useState(false)
  const under = useRef(false)
  const run = async (work: () => Promise<unknown>) => {
    if (under.current) return
    under.current = true
    setBusy(true)
    try {
      await work()
    } finally {
      under.current = false
      setBusy(false)
    }
  }
  return [busy, run]
}
