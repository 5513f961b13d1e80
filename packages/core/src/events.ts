import { ConfigurationError, PayloadError } from './errors.ts'
import { checkOptions, kind, type OptionsRule } from './options.ts'
import { payloadIssues } from './payload-issues.ts'
import type { InputOf, OutputOf, StandardSchema } from './standard-schema.ts'

/** One event type of a catalog. */
export interface EventDefinition<S extends StandardSchema = StandardSchema> {
  /** Any Standard Schema (zod, valibot, arktype, ...). Without one, any JSON is sent and received. */
  readonly schema?: S
  /** One sentence for the people who receive it. */
  readonly description?: string
  /** The heading under which a catalog page and a picker list it. */
  readonly group?: string
  /** Data that fits the schema: for documentation and for test events. A sender with `dev` says in its log where it does not. */
  readonly example?: unknown
  /**
   * What is left of the data for endpoints that want it thin: enough to fetch the rest. By default its top-level
   * identifiers, `id` and names that end in `Id` or `_id`. It must always give the same for the same data.
   */
  readonly thin?: (data: never) => unknown
  /**
   * By the name of a version, the data as it was then, for endpoints that ask for that version. It must always give the
   * same for the same data.
   */
  readonly versions?: Readonly<Record<string, (data: never) => unknown>>
  /** Why it should not be used any more, and what to use instead. */
  readonly deprecated?: string
}

/** What {@link defineEvents} takes: by event type, a definition or, for short, its schema alone. */
export type EventDefinitions = Readonly<Record<string, EventDefinition | StandardSchema>>

type SchemaOf<D> = D extends StandardSchema ? D : D extends { readonly schema: infer S } ? S : unknown

/** By event type, what `send` takes. */
export type EventInputs<D extends EventDefinitions> = { readonly [T in keyof D & string]: InputOf<SchemaOf<D[T]>> }
/** By event type, what a handler gets. */
export type EventOutputs<D extends EventDefinitions> = { readonly [T in keyof D & string]: OutputOf<SchemaOf<D[T]>> }

/** An event type with its name, as {@link Events} keeps it. */
export interface EventType extends EventDefinition {
  readonly type: string
}

/** A catalog: every event type, in the order in which it was written. */
// biome-ignore lint/suspicious/noExplicitAny: any other default would leave no catalog assignable to a plain `Events`
export interface Events<D extends EventDefinitions = any> {
  /** The definition of `type`, or undefined. */
  get(type: string): EventType | undefined
  readonly types: readonly (keyof D & string)[]
  readonly all: readonly EventType[]
  /** Whether the catalog has the type, one that begins with the prefix of `prefix.*`, or, for `*`, any. */
  covers(name: string): boolean
  /** The data as the schema of `type` gives it; as it is where that has none. @throws PayloadError `payload_invalid` */
  parse(type: string, data: unknown): Promise<unknown>
  /** There for the compiler alone. */
  readonly '~definitions'?: D
}

/**
 * Segments of letters, digits, `_` and `-`, joined by `.` (the convention, and what filters such as `booking.*`
 * understand) or by `/` and `:`, which some providers use. Standard Webhooks section "Event types".
 */
const EVENT_TYPE = /^[A-Za-z0-9_-]+([./:][A-Za-z0-9_-]+)*$/
const LONGEST_EVENT_TYPE = 128

const hasSchema = (value: unknown): value is StandardSchema =>
  (typeof value === 'object' || typeof value === 'function') && value !== null && '~standard' in value

/** A function: a bundler keeps what is made as a file is loaded. */
const ruleOf = (type: string): OptionsRule<keyof EventDefinition> => ({
  of: `the event type "${type}"`,
  code: 'contract_invalid',
  kinds: {
    schema: { words: 'a Standard Schema, such as one of zod', fits: hasSchema },
    description: kind.text,
    group: kind.text,
    example: kind.any,
    thin: kind.function,
    versions: {
      words: 'an object of functions',
      fits: (value) => kind.object.fits(value) && Object.values(value as object).every(kind.function.fits),
    },
    deprecated: kind.text,
  },
})

/**
 * Writes down the event types of a product, once, for both sides.
 *
 * Where a schema offers its JSON Schema (zod 4.2 and later), what JSON cannot carry (a `Date`, a `bigint`, a
 * `Map`) is refused here; elsewhere it is refused by `send`, naming the path.
 *
 * @throws ConfigurationError `event_type_invalid`, `contract_invalid`, `schema_unrepresentable`
 * @example
 * export const events = defineEvents({
 *   'booking.created': { description: 'A booking was created', schema: z.object({ id: z.string() }) },
 *   'user.deleted': z.object({ userId: z.string() }),
 * })
 */
export function defineEvents<const D extends EventDefinitions>(definitions: D): Events<D> {
  if (!kind.object.fits(definitions))
    throw new ConfigurationError('contract_invalid', 'defineEvents takes an object: event types by name')
  const byType = new Map<string, EventType>()
  for (const [type, definition] of Object.entries(definitions)) {
    if (!EVENT_TYPE.test(type) || type.length > LONGEST_EVENT_TYPE) {
      throw new ConfigurationError('event_type_invalid', `"${type}" is not an event type`, {
        hint: 'use letters, digits, "_" and "-", joined by dots, such as "booking.created"; at most 128 characters',
      })
    }
    if (!hasSchema(definition)) checkOptions(definition, ruleOf(type))
    const event: EventDefinition = hasSchema(definition) ? { schema: definition } : definition
    if (event.schema) refuseUnrepresentable(type, event.schema)
    byType.set(type, { ...event, type })
  }
  return {
    get: (type) => byType.get(type),
    types: [...byType.keys()] as (keyof D & string)[],
    all: [...byType.values()],
    covers: (name) =>
      name === '*' ||
      byType.has(name) ||
      (name.endsWith('.*') && [...byType.keys()].some((type) => type.startsWith(name.slice(0, -1)))),
    parse: async (type, data) => {
      const result = await byType.get(type)?.schema?.['~standard'].validate(data)
      if (!result) return data
      if (!result.issues) return result.value
      throw new PayloadError('payload_invalid', 'the data does not fit its schema', {
        issues: payloadIssues(result.issues, data),
      })
    },
  }
}

function refuseUnrepresentable(type: string, schema: StandardSchema): void {
  try {
    schema['~standard'].jsonSchema?.input({ target: 'draft-2020-12' })
  } catch (cause) {
    throw new ConfigurationError(
      'schema_unrepresentable',
      `the schema of "${type}" holds something that JSON cannot carry`,
      {
        hint: 'use a JSON type in its place, such as z.iso.datetime() for z.date()',
        cause,
      },
    )
  }
}
