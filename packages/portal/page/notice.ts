import { signal } from '@preact/signals'
import { type Problem, problemOf } from './api.ts'
import { language } from './options.ts'
import { t } from './words.ts'

/** What just happened, said once, at the edge of the page. */
export const notice = signal<{ readonly text: string; readonly bad: boolean } | undefined>(undefined)

let timer: ReturnType<typeof setTimeout> | undefined

export function say(text: string, bad = false): void {
  clearTimeout(timer)
  notice.value = { text, bad }
  timer = setTimeout(() => {
    notice.value = undefined
  }, 6_000)
}

export const sayProblem = (error: unknown) => say(wordsFor(problemOf(error)), true)

/** In the page's language; the API's own words are English. */
export function wordsFor({ code, message }: Problem): string {
  return t.problems[code] ?? (language === 'en' ? message : `${t.problems.internal} (${code})`)
}
