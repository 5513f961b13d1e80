/**
 * The Standard Schema interface (https://standardschema.dev, version 1): how zod, valibot, arktype and others
 * let a library validate without knowing them. Types only, so no validator is ever imported.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
    /** Standard JSON Schema: there in zod 4.2 and later. It throws for what JSON cannot carry. */
    readonly jsonSchema?: { readonly input: (options: { readonly target: string }) => Record<string, unknown> }
  }
}

/** What a schema says of a value: the value, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

/** One thing that is wrong with a value, and where. */
export interface StandardIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a schema takes. */
export type InputOf<S> = S extends StandardSchema<infer Input, infer _> ? Input : unknown
/** What a schema gives. */
export type OutputOf<S> = S extends StandardSchema<infer _, infer Output> ? Output : unknown
