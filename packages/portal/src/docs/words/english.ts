import type { Words } from '../words.ts'

const UNITS = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1000, 'second'],
] as const

export const english: Words = {
  code: 'en',
  title: 'Webhooks',
  intro: (product) =>
    `${product} tells your application what happens, when it happens: an HTTP POST to a URL of yours, signed, and tried again until you have it.`,
  updated: (version, date) => `Version ${version}, ${date}.`,
  events: 'Events',
  noGroup: 'Other events',
  event: 'Event',
  description: 'When it is sent',
  deprecated: 'Deprecated',
  field: 'Field',
  type: 'Type',
  required: 'Required',
  optional: 'optional',
  payload: 'Payload',
  payloadIntro: 'Every request has a body of this form:',
  requestHeaders: 'Headers',
  header: 'Header',
  meaning: 'What it holds',
  headers: {
    contentType: 'The form of the body',
    signature: 'The signature',
    token: 'The shared secret',
    messageId: 'The id of the event: the same for every attempt',
    deliveryId: 'The id of the delivery: the same for every attempt',
    endpointId: 'The id of your endpoint',
    tenant: 'Whose event it is',
    type: 'The event type',
    attempt: 'The number of the attempt, from 1',
    occurredAt: 'When the event happened',
    sentAt: 'When this attempt was sent',
    stamps: {
      iso: 'as ISO 8601 in UTC',
      isoSeconds: 'as ISO 8601 in UTC, to the second',
      unix: 'in Unix seconds',
      unixMs: 'in Unix milliseconds',
    },
  },
  verification: 'Verifying the signature',
  verificationIntro: 'Anybody can send a request to your URL. Accept only what is signed with your secret.',
  signedIs: (what) => `What is signed: ${what}.`,
  signatureIs: (algorithm, encoding, prefix) =>
    `The signature is the ${algorithm} of that, in ${encoding}${prefix ? `, after \`${prefix}\`` : ''}.`,
  severalSignatures:
    'While a secret is being changed the header holds several signatures, separated by spaces: one that fits is enough.',
  oneSignature:
    'The header holds one signature. While you change the secret, accept what is signed with the new one or with the old one.',
  tokenIs:
    'The header holds the shared secret itself. It says who sends, and protects nothing of the body: use it over https alone.',
  keyIs: {
    text: 'The key is the text of the secret, to the letter.',
    whsec: 'The key is what follows `whsec_` in the secret, decoded from base64.',
    base64: 'The key is the secret, decoded from base64.',
    hex: 'The key is the secret, decoded from hexadecimal.',
  },
  parts: { body: 'the body', url: 'your URL', method: 'the method', sentAt: 'the time in the header' },
  windowIs: 'Refuse a request whose signed time is more than five minutes from yours: it is a replay.',
  rawBody:
    'Verify the bytes as they came, before anything parses them: JSON that is parsed and written again is other bytes. Compare in constant time.',
  languages: { node: 'Node.js', python: 'Python', php: 'PHP', ruby: 'Ruby', go: 'Go', java: 'Java' },
  answering: 'Answering',
  answerIs: (seconds) =>
    `Answer with a status of 2xx within ${seconds}, once you have what was sent. Do long work afterwards, from a queue of your own.`,
  retries: 'Retries',
  retryIs: (attempts) =>
    attempts === 1
      ? 'Each event is sent once.'
      : `Anything but a 2xx, and no answer in time, is a failure, and is tried again: ${attempts} attempts in all.`,
  attempt: 'Attempt',
  afterThePrevious: 'After the one before',
  immediately: 'immediately',
  refused: 'Any other answer of 4xx ends the attempts, but for 408, 409, 425 and 429.',
  gone: 'An answer of 410 ends the attempts, and your endpoint is disabled.',
  control:
    'To give up one message, answer with a status that is not 2xx and the header `webhook-delivery: abort-message`: the attempts end. With `webhook-delivery: disable` in any answer your endpoint is disabled, and the attempts end.',
  busy: 'Too busy? Answer 429 or 503, with `Retry-After` in seconds: nothing more is sent to you until then.',
  afterwards: 'After the last attempt the delivery is marked as failed. It can be sent again by hand.',
  disabled(rule) {
    if (rule.by === 'never') return 'Your endpoint is never disabled for its failures.'
    const when =
      rule.by === 'time'
        ? `After ${this.duration(rule.afterMs)} of failures without a success`
        : `After ${rule.after} ${rule.by === 'exhausted' ? plural(rule.after, 'failed delivery', 'failed deliveries') : plural(rule.after, 'failed attempt', 'failed attempts in a row')}`
    return `${when} your endpoint is disabled, and gets nothing until it is enabled again.`
  },
  duplicates: 'Duplicates',
  duplicateBy: (where) =>
    `An event can come twice, when your answer was lost. Remember ${where} of what you have handled.`,
  duplicateByBody:
    'An event can come twice, when your answer was lost. Remember a hash of the bodies that you have handled: a repetition has the same bytes.',
  support: 'Help',
  duration(ms) {
    const [size, unit] = UNITS.find(([length]) => ms >= length && ms % length === 0) ?? [1, 'millisecond']
    const count = ms / size
    return `${count} ${plural(count, unit, `${unit}s`)}`
  },
}

function plural(count: number, one: string, many: string): string {
  return count === 1 ? one : many
}
