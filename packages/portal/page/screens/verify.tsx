import { useState } from 'preact/hooks'
import { get } from '../api.ts'
import { useLoaded } from '../loading.ts'
import { Copy, Empty, Loading, Trouble } from '../parts/basics.tsx'
import { Code } from '../parts/code.tsx'
import type { Page, Sample } from '../types.ts'
import { t } from '../words.ts'

const NAMES: Readonly<Record<string, string>> = {
  node: 'Node.js',
  python: 'Python',
  php: 'PHP',
  ruby: 'Ruby',
  go: 'Go',
  java: 'Java',
}

/** Code that verifies a request, as this contract signs it. */
export function Verify() {
  const { value, problem, reload } = useLoaded(() => get<Page<Sample>>('verification-code'), [])
  const [language, setLanguage] = useState<string>()
  const samples = value?.data ?? []
  const shown = samples.find((one) => one.language === language) ?? samples[0]
  return (
    <>
      <h1>{t.verify.title}</h1>
      <p class="dim">{t.verify.intro}</p>
      {problem && <Trouble problem={problem} retry={reload} />}
      {!value && !problem && <Loading />}
      {value && !shown && (
        <Empty>
          <p>{t.verify.none}</p>
        </Empty>
      )}
      {shown && (
        <div class="card">
          <div class="heading">
            <fieldset class="filter" aria-label={t.verify.language}>
              {samples.map((one) => (
                <button
                  key={one.language}
                  type="button"
                  class="chip"
                  aria-pressed={one === shown}
                  onClick={() => setLanguage(one.language)}
                >
                  {NAMES[one.language] ?? one.language}
                </button>
              ))}
            </fieldset>
            <Copy text={shown.code} />
          </div>
          <Code key={shown.language} text={shown.code} label={NAMES[shown.language] ?? shown.language} source />
          <p class="dim">{t.verify.raw}</p>
        </div>
      )}
    </>
  )
}
