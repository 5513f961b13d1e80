import { ConfigurationError } from './errors.ts'
import type { Ms } from './seams.ts'

/** What an option may be: in words, for the message, and as a test. */
export interface Kind {
  readonly words: string
  readonly fits: (value: unknown) => boolean
}

const isText = (value: unknown) => typeof value === 'string'
const isNumber = (value: unknown): value is number => typeof value === 'number'
const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const has = (value: unknown, ...methods: readonly string[]): boolean =>
  typeof value === 'object' &&
  value !== null &&
  methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function')

/** The usual kinds. */
export const kind = {
  any: { words: 'anything', fits: () => true },
  text: { words: 'text', fits: isText },
  flag: { words: 'true or false', fits: (value) => typeof value === 'boolean' },
  function: { words: 'a function', fits: (value) => typeof value === 'function' },
  /** Judged in full by `toMs`. */
  duration: { words: 'a duration, such as "15s"', fits: (value) => isText(value) || isNumber(value) },
  /** What comes as text from an environment is none, nor is what became of it by `Number`. */
  ms: { words: 'a number of milliseconds above 0', fits: (value) => Number.isFinite(value) && (value as Ms) > 0 },
  time: { words: 'a valid Date', fits: (value) => value instanceof Date && !Number.isNaN(value.getTime()) },
  texts: { words: 'a list of texts', fits: (value) => Array.isArray(value) && value.every(isText) },
  /** By name. */
  textByName: { words: 'an object of texts', fits: (value) => isPlain(value) && Object.values(value).every(isText) },
  object: { words: 'an object', fits: isPlain },
  clock: { words: 'a clock', fits: (value) => has(value, 'now', 'monotonic', 'sleep') },
  random: { words: 'a source of chance', fits: (value) => has(value, 'bytes', 'float') },
  logger: {
    words: 'a logger, such as one of pino',
    fits: (value) => has(value, 'debug', 'info', 'warn', 'error'),
  },
} as const satisfies Record<string, Kind>

/** A whole number of at least `least`. */
export const wholeFrom = (least: number): Kind => ({
  words: `a whole number from ${least}`,
  fits: (value) => Number.isSafeInteger(value) && (value as number) >= least,
})

/** One of these texts. */
export const oneOf = (...texts: readonly string[]): Kind => ({
  words: texts.map((text) => JSON.stringify(text)).join(' or '),
  fits: (value) => texts.includes(value as string),
})

/** Only these texts, in a list. */
export const listOf = (...texts: readonly string[]): Kind => ({
  words: `a list of ${texts.map((text) => JSON.stringify(text)).join(', ')}`,
  fits: (value) => Array.isArray(value) && value.every((one) => texts.includes(one)),
})

/** That, or null. */
export const orNull = ({ words, fits }: Kind): Kind => ({
  words: `${words} or null`,
  fits: (value) => value === null || fits(value),
})

/** An object that has these methods. */
export const withMethods = (words: string, ...methods: readonly string[]): Kind => ({
  words,
  fits: (value) => has(value, ...methods),
})

/** What {@link checkOptions} takes. `K` names every option that there is. */
export interface OptionsRule<K extends string> {
  /** What they are the options of, for the message: `createSender`. */
  readonly of: string
  readonly kinds: Readonly<Record<K, Kind>>
  /** Those that must be there. */
  readonly needs?: readonly K[]
  /** `option_invalid` by default. */
  readonly code?: 'option_invalid' | 'contract_invalid'
}

/** Longer names are nobody's typing error. */
const LONGEST_NAME = 64

/**
 * Refuses options that are not of their kind, that are missing, and names that nothing would ever read: whoever writes
 * `idempotencykey` would otherwise learn of it from his customers. Undefined is as if left out. No message holds a value.
 *
 * @throws ConfigurationError `option_invalid`, or the rule's own code
 */
export function checkOptions<K extends string>(given: unknown, rule: OptionsRule<K>): void {
  const { of, kinds, needs = [], code = 'option_invalid' } = rule
  const names = Object.keys(kinds)
  if (!isPlain(given)) {
    throw new ConfigurationError(code, `${of} takes an object`, { hint: `its options: ${names.join(', ')}` })
  }
  for (const name of Object.keys(given)) {
    if (given[name] === undefined) continue
    const wanted: Kind | undefined = Object.hasOwn(kinds, name) ? kinds[name as K] : undefined
    if (!wanted) {
      throw new ConfigurationError(code, `${of} has no option ${JSON.stringify(name.slice(0, LONGEST_NAME))}`, {
        hint: `its options: ${names.join(', ')}`,
      })
    }
    if (!wanted.fits(given[name])) throw new ConfigurationError(code, `${of}: ${name} is not ${wanted.words}`)
  }
  for (const name of needs) {
    if (given[name] === undefined) throw new ConfigurationError(code, `${of} needs ${name}`)
  }
}
