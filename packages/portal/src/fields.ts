import type { ApiName } from '@hooks/core'
import { Refusal } from './refusal.ts'

/** The fields of a body or the parameters of a query, read by our names under the product's. A wrong one is refused by its name. */
export class Fields {
  readonly #given: Readonly<Record<string, unknown>>
  readonly #nameOf: (name: string) => string

  constructor(given: Readonly<Record<string, unknown>>, nameOf: (name: string) => string) {
    this.#given = given
    this.#nameOf = nameOf
  }

  has(name: string): boolean {
    return this.#value(name) !== undefined
  }

  text(name: string, most = 2_048): string | undefined {
    const value = this.#value(name)
    if (value === undefined || (typeof value === 'string' && value.length <= most && !UNKEPT.test(value))) return value
    throw this.#wrong(name, `a text of at most ${most} characters, NUL and halves of characters apart`)
  }

  /** A text, or null to remove it. */
  textOrNull(name: string, most?: number): string | null | undefined {
    return this.#value(name) === null ? null : this.text(name, most)
  }

  flag(name: string): boolean | undefined {
    const value = this.#value(name)
    if (value === undefined || typeof value === 'boolean') return value
    throw this.#wrong(name, 'true or false')
  }

  /** A number from `least` to `most`, or null to remove it. */
  numberOrNull(name: string, least: number, most: number): number | null | undefined {
    const value = this.#value(name)
    if (value === undefined || value === null) return value
    if (typeof value === 'number' && value >= least && value <= most) return value
    throw this.#wrong(name, `a number from ${least} to ${most}`)
  }

  /** In a query, as digits; more than `most` is `most`. */
  count(name: string, usual: number, most = Number.MAX_SAFE_INTEGER, least = 1): number {
    const value = this.#value(name)
    if (value === undefined) return usual
    const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
    if (Number.isSafeInteger(number) && (number as number) >= least) return Math.min(number as number, most)
    throw this.#wrong(name, `a whole number, from ${least}`)
  }

  time(name: string): Date | undefined {
    const value = this.text(name, 40)
    if (value === undefined) return undefined
    const time = new Date(/^\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?$/.test(value) ? value : Number.NaN)
    if (!Number.isNaN(time.getTime())) return time
    throw this.#wrong(name, 'a time such as 2024-01-15T10:30:00Z')
  }

  texts(name: string, most: number): readonly string[] | undefined {
    const value = this.#value(name)
    if (value === undefined) return undefined
    if (!Array.isArray(value) || !value.every((one) => typeof one === 'string' && !UNKEPT.test(one)))
      throw this.#wrong(name, 'a list of texts, NUL and halves of characters apart')
    if (value.length > most) throw this.#wrong(name, `a list of at most ${most}`)
    return value
  }

  textsOrNull(name: string, most: number): readonly string[] | null | undefined {
    return this.#value(name) === null ? null : this.texts(name, most)
  }

  /** Texts by name: at most 50, each of at most 500 characters. */
  labels(name: string): Readonly<Record<string, string>> | undefined {
    const value = this.#value(name)
    if (value === undefined) return undefined
    const labels = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : null
    if (!labels || labels.length > 50 || !labels.every(([key, one]) => key.length <= 100 && isLabel(one))) {
      throw this.#wrong(name, 'at most 50 texts by name, of at most 500 characters each')
    }
    return Object.fromEntries(labels)
  }

  /** Texts by name, or null to remove them all. A list of names, as our own answers have it, changes nothing. */
  labelsOrNull(name: string): Readonly<Record<string, string>> | null | undefined {
    const value = this.#value(name)
    return value === null ? null : Array.isArray(value) ? undefined : this.labels(name)
  }

  objectOrNull(name: string): object | null | undefined {
    const value = this.#value(name)
    if (value === undefined || value === null) return value
    if (typeof value === 'object' && !Array.isArray(value)) return value
    throw this.#wrong(name, 'an object')
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.#value(name)
    if (value === undefined || choices.includes(value as T)) return value as T | undefined
    throw this.#wrong(name, `one of: ${choices.join(', ')}`)
  }

  /** Refuses what is none of `names`, nor one of `also`: a misspelt name would be left out in silence. */
  only(names: readonly string[], also: readonly string[]): void {
    const known = new Set([...names.map((name) => this.#nameOf(name)), ...also])
    const stranger = Object.keys(this.#given).find((name) => !known.has(name))
    if (stranger === undefined) return
    throw new Refusal(400, 'field_unknown', `There is no field "${stranger.slice(0, 64)}" here.`, stranger.slice(0, 64))
  }

  #value(name: string): unknown {
    const theirs = this.#nameOf(name)
    return Object.hasOwn(this.#given, theirs) ? this.#given[theirs] : undefined
  }

  #wrong(name: string, wanted: string): Refusal {
    const theirs = this.#nameOf(name as ApiName)
    return new Refusal(400, 'field_invalid', `"${theirs}" is not ${wanted}.`, theirs)
  }
}

/** What not every database keeps. */
const UNKEPT = /\0|\p{Surrogate}/u
const isLabel = (value: unknown): value is string => typeof value === 'string' && value.length <= 500
