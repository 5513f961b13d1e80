import { isDeepStrictEqual } from 'node:util'
import type { Codec } from '@hooks/core'
import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser'

/** An element as the parser has it where order is kept: its name, its content, its attributes under `:@`. */
type Element = Readonly<Record<string, unknown>>

const options = { preserveOrder: true, ignoreAttributes: false } as const
const builder = new XMLBuilder(options)
const parser = new XMLParser({ ...options, parseTagValue: false, trimValues: false, maxNestedTags: 64 })
const NAME = /^[A-Za-z_][\w.-]*$/
/** Halves of surrogate pairs, non-characters, and control characters but for tab and line feed. */
const FORBIDDEN = /[\p{Cs}\ufffe\uffff]|(?![\t\n])\p{Cc}/u
const HEAD = '<?xml version="1.0" encoding="UTF-8"?>'

/**
 * JSON values as XML: a field is an element, an array's items are elements `item`, and what is not text says so in an
 * attribute `type`. Documents with a DTD, a comment, CDATA or entities other than the five of XML are refused, and so
 * is data that XML cannot carry, such as control characters.
 */
export const xml: Codec = {
  contentType: 'application/xml',
  encode(value) {
    const text = HEAD + builder.build([element('webhook', value)])
    if (FORBIDDEN.test(text) || !isDeepStrictEqual(xml.decode(text), JSON.parse(JSON.stringify(value)))) {
      throw new TypeError('XML cannot carry this')
    }
    return text
  },
  decode(text) {
    if (text.includes('<!') || /&(?!(?:amp|lt|gt|quot|apos);)/.test(text)) throw new TypeError('a DTD or an entity')
    if (XMLValidator.validate(text) !== true) throw new TypeError('not XML')
    const roots = (parser.parse(text) as Element[]).filter((one) => 'webhook' in one)
    if (roots.length !== 1) throw new TypeError('not one <webhook>')
    return value(roots[0] as Element, 'webhook')
  },
}

function element(name: string, content: unknown): Element {
  if (!NAME.test(name) || name === '__proto__') throw new TypeError('not the name of an element')
  const typed = (type: string, inside: Element[]) => ({ [name]: inside, ':@': { '@_type': type } })
  if (typeof content === 'string') return { [name]: [{ '#text': content }] }
  if (Array.isArray(content))
    return typed(
      'array',
      content.map((item) => element('item', item)),
    )
  if (typeof content !== 'object' || content === null) {
    return typed(content === null ? 'null' : typeof content, [{ '#text': String(content) }])
  }
  return typed(
    'object',
    Object.entries(content).map(([field, inside]) => element(field, inside)),
  )
}

function value(of: Element, name: string): unknown {
  const inside = of[name] as Element[]
  const type = (of[':@'] as Element | undefined)?.['@_type'] ?? 'string'
  const text = inside.map((one) => one['#text'] ?? '').join('')
  const children = inside.filter((one) => !('#text' in one)).map((one) => [Object.keys(one)[0] as string, one] as const)
  if (type === 'object') return Object.fromEntries(children.map(([field, one]) => [field, value(one, field)]))
  if (type === 'array') return children.map(([field, one]) => value(one, field))
  if (children.length > 0) throw new TypeError('elements inside text')
  if (type === 'string') return text
  const parsed: unknown = JSON.parse(text)
  if (type === (parsed === null ? 'null' : typeof parsed)) return parsed
  throw new TypeError('not of its type')
}
