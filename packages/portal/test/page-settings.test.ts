import { RATE_LIMIT } from '@hooks/sender'
import { expect, it, vi } from 'vitest'

interface Page {
  draftOf(endpoint: undefined): { readonly rateLimit: string }
  readDraft(draft: object, endpoint: undefined): { readonly wrong?: string; readonly input?: object }
}

it('a rate is taken where the API takes it, and refused beside its field where the API refuses it', async () => {
  vi.stubGlobal('document', { querySelector: () => null })
  vi.stubGlobal('navigator', { language: 'en' })
  // The page is for browsers, whose types these tests have not.
  const page: string = new URL('../page/screens/endpoint-settings.tsx', import.meta.url).pathname
  const { draftOf, readDraft }: Page = await import(page)
  const read = (rateLimit: string) => readDraft({ ...draftOf(undefined), rateLimit }, undefined)
  for (const wrong of ['0', '-1', '0.00009', '100001', 'Infinity', 'ten']) expect(read(wrong).wrong).toBe('rateLimit')
  const { least, most } = RATE_LIMIT
  expect([read(String(least / 2)).wrong, read(String(most + 1)).wrong]).toEqual(['rateLimit', 'rateLimit'])
  const { t } = await import(page.replace('screens/endpoint-settings.tsx', 'words.ts'))
  expect(t.form.rateWrong).toContain(`from ${least} to ${most}`)
  for (const right of [String(least), '0,5', ' 10 ', String(most)])
    expect(read(right).input).toMatchObject({ rateLimit: Number(right.replace(',', '.')) })
  expect(read('').input).not.toHaveProperty('rateLimit')
})
