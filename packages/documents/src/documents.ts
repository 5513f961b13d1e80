import { readFileSync } from 'node:fs'

export type Seed = 'veza' | 'grillo' | 'audit-trail' | 'course' | 'lokroom'

/** A fenced block of a document, to the letter but for the indentation that all of it shares. */
export interface Block {
  readonly language: string
  readonly code: string
  /** The nearest heading above. */
  readonly heading: string
}

export const document = (seed: Seed): string => readFileSync(new URL(`../texts/${seed}.md`, import.meta.url), 'utf8')

export const blocks = (seed: Seed): Block[] => {
  const text = document(seed)
  return [...text.matchAll(/^( *)```(\w*)\n([\s\S]*?)\n\1```/gm)].map(({ 1: indent, 2: language, 3: code, index }) => ({
    language: language as string,
    code: (code as string).replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    heading: [...text.slice(0, index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? '',
  }))
}

/** The one block of a language that holds `text`. */
export const block = (seed: Seed, language: string, text: string): string => {
  const found = blocks(seed).filter((one) => one.language === language && one.code.includes(text))
  if (found.length !== 1) throw new Error(`${found.length} blocks of ${seed} hold ${text}`)
  return (found[0] as Block).code
}

/** A webhook's body as a document prints it. */
export type Printed = Readonly<Record<string, unknown>>

/**
 * Every webhook body that a document prints. Two blocks of Audit Trail are cut short with `...`, which is not JSON:
 * what stands before the dots is kept, and closed.
 */
export const printedBodies = (seed: Seed): Printed[] => {
  const json = blocks(seed).filter(({ language }) => language === 'json')
  const texts = json.map(({ code }) => code.replaceAll('{ ... }', '{}').replaceAll(', ... }', ' }'))
  // The course prints its body in a command.
  const inCommand = /-d '(.*)'/.exec(document(seed))?.[1]
  return [...texts, ...(inCommand ? [inCommand] : [])]
    .map((text) => JSON.parse(text) as Printed)
    .filter((body) => ['event', 'type'].some((field) => typeof body[field] === 'string') && !('status' in body))
}
