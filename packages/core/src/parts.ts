import type { Ms } from './seams.ts'

/** How a time is written: ISO 8601 with milliseconds or without, Unix seconds or milliseconds. Always UTC. */
export type Stamp = 'iso' | 'isoSeconds' | 'unix' | 'unixMs'

/** A thing that a body, a header or a signature is made of. Strings beside it are literals and nothing else. */
export interface Part<Kind extends string = string> {
  readonly part: Kind
}
/** A time, in one of the ways of writing it. */
export interface StampPart<Kind extends 'occurredAt' | 'sentAt'> extends Part<Kind> {
  readonly stamp: Stamp
}
/** The value of a header, as it is on the wire. */
export interface HeaderPart extends Part<'header'> {
  /** Lower case. */
  readonly header: string
}

/** What never changes from attempt to attempt, and so may stand in a body. */
export type BodyPart =
  | Part<'messageId' | 'deliveryId' | 'endpointId' | 'tenant' | 'type' | 'data'>
  | StampPart<'occurredAt'>
/** What may stand in a header. */
export type HeaderValuePart =
  | Part<'messageId' | 'deliveryId' | 'endpointId' | 'tenant' | 'type' | 'attempt'>
  | StampPart<'occurredAt' | 'sentAt'>
/** What may be signed: a header's value as sent, the body's bytes, the URL and the method to the letter. */
export type SignedPart = HeaderPart | Part<'body' | 'url' | 'method'>

/**
 * The vocabulary in which formats are described. A misspelt part is a type error; a misspelt literal cannot
 * be taken for a part.
 *
 * @example
 * signature: { header: 'x-acme-signature', over: [part.header('x-acme-timestamp'), '.', part.body] }
 */
export const part = {
  /** The message's id: the same for every endpoint and every attempt. */
  messageId: { part: 'messageId' },
  /** The delivery's id: one message for one endpoint, the same for every attempt and resend. */
  deliveryId: { part: 'deliveryId' },
  /** The endpoint's id. */
  endpointId: { part: 'endpointId' },
  /** The tenant that owns endpoint and message. */
  tenant: { part: 'tenant' },
  /** The event type. */
  type: { part: 'type' },
  /** The message's data. Under the key `'...'` its properties are spread into the body. */
  data: { part: 'data' },
  /** The number of the attempt, from 1. In headers only: a body is the same for every attempt. */
  attempt: { part: 'attempt' },
  /** The body's bytes, to be signed. */
  body: { part: 'body' },
  /** The endpoint's URL to the letter, to be signed. */
  url: { part: 'url' },
  /** The request's method, to be signed. */
  method: { part: 'method' },
  /** When the event happened. */
  occurredAt: (stamp: Stamp): StampPart<'occurredAt'> => ({ part: 'occurredAt', stamp }),
  /** When this attempt is sent. In headers only, or a field of the signature's: a body is the same for every attempt. */
  sentAt: (stamp: Stamp): StampPart<'sentAt'> => ({ part: 'sentAt', stamp }),
  /** A header's value as it is on the wire, to be signed. */
  header: (name: string): HeaderPart => ({ part: 'header', header: name.toLowerCase() }),
} as const

/** A time as its stamp writes it. */
export function writeStamp(time: Date, stamp: Stamp): string {
  if (stamp === 'unix') return String(Math.floor(time.getTime() / 1000))
  if (stamp === 'unixMs') return String(time.getTime())
  const iso = time.toISOString()
  return stamp === 'iso' ? iso : `${iso.slice(0, -5)}Z`
}

const UNIX = /^[1-9]\d{0,14}$/
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/

/**
 * The time that a stamp's text stands for, or undefined where it is not of the form to the last character:
 * `123junk`, `+5`, ` 5`, `1e3` and `0x5` are no times.
 */
export function readStamp(given: unknown, stamp: Stamp): Date | undefined {
  const text = typeof given === 'number' ? String(given) : given
  return stamp === 'unix' ? readUnix(text) : stamp === 'unixMs' ? readUnix(text, 1) : readIso(text)
}

/** {@link readStamp} of Unix time, of which one is `unit` milliseconds. */
export function readUnix(text: unknown, unit: Ms = 1000): Date | undefined {
  return typeof text === 'string' && UNIX.test(text) ? valid(new Date(Number(text) * unit)) : undefined
}

/** {@link readStamp} of ISO 8601. */
export function readIso(text: unknown): Date | undefined {
  return typeof text === 'string' && ISO.test(text) ? valid(new Date(text)) : undefined
}

const valid = (time: Date) => (Number.isNaN(time.getTime()) ? undefined : time)

/** Whether a value of a description is the part of that kind. */
export function isPart(value: unknown, kind: string): value is Part {
  return typeof value === 'object' && value !== null && (value as Part).part === kind
}
