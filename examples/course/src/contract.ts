import { defineContract, defineEvents, type HmacFormatOptions, hmacFormat, part } from '@hooks/core'
import { z } from 'zod'
import { xml } from './xml.ts'

const events = defineEvents({
  payment_completed: {
    description: 'Paiement validé',
    schema: z.object({ amount: z.number() }),
    example: { amount: 100 },
  },
  message_received: { description: 'Message reçu' },
  form_submitted: { description: 'Formulaire envoyé, à reporter dans un CRM', schema: z.object({ email: z.email() }) },
  code_pushed: { description: 'Code poussé, à déployer', schema: z.object({ commit: z.string() }) },
})

/** Flat: `{"event":"payment_completed","amount":100}`. The course's secret has 14 bytes. */
const common = {
  secret: { grammar: 'text', minBytes: 14 },
  body: { event: part.type, '...': part.data },
} as const satisfies Partial<HmacFormatOptions>

const agreed = {
  events,
  policy: { classify: 'non2xx-retries' },
  answers: {
    signature_mismatch: [403, 'Accès refusé : signature invalide'],
    missing_header: [403, 'Accès refusé : signature invalide'],
    handled: [200, { status: 'success' }],
    duplicate: [200, { status: 'success' }],
    unknown_event: [200, { status: 'success' }],
  },
} as const

/** The course, as its document has it (packages/documents/texts/course.md): the secret itself in a header. It proves nothing about the body. */
export const contract = defineContract({
  ...agreed,
  format: hmacFormat({ name: 'course', ...common, signature: { header: 'x-webhook-signature', token: true } }),
})

/** What the course recommends beside it: an HMAC, in the header that it names for one. */
export const signedContract = defineContract({
  ...agreed,
  format: hmacFormat({ name: 'course-signed', ...common, signature: { header: 'x-signature' } }),
})

/** The same, in the other format that the course names for a payload. */
export const xmlContract = defineContract({
  ...agreed,
  format: hmacFormat({ name: 'course-xml', ...common, signature: { header: 'x-signature' }, codec: xml }),
})
