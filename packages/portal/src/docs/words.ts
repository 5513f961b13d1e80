import type { HeaderValuePart, Stamp } from '@hooks/core'
import type { Policy } from '@hooks/sender'
import type { Language } from './verification-code.ts'

/** All that documentation says, in one language. Where a sentence holds a value, it is a function. */
export interface Words {
  readonly code: string
  readonly title: string
  readonly intro: (product: string) => string
  readonly updated: (version: string, date: string) => string
  readonly events: string
  readonly noGroup: string
  readonly event: string
  readonly description: string
  readonly deprecated: string
  readonly field: string
  readonly type: string
  readonly required: string
  readonly optional: string
  readonly payload: string
  readonly payloadIntro: string
  readonly requestHeaders: string
  readonly header: string
  readonly meaning: string
  readonly headers: Readonly<Record<HeaderValuePart['part'], string>> & {
    readonly contentType: string
    readonly signature: string
    readonly token: string
    readonly stamps: Readonly<Record<Stamp, string>>
  }
  readonly verification: string
  readonly verificationIntro: string
  readonly signedIs: (what: string) => string
  readonly signatureIs: (algorithm: string, encoding: string, prefix: string) => string
  readonly severalSignatures: string
  readonly oneSignature: string
  readonly tokenIs: string
  readonly keyIs: Readonly<Record<'text' | 'whsec' | 'base64' | 'hex', string>>
  readonly parts: { readonly body: string; readonly url: string; readonly method: string; readonly sentAt: string }
  readonly windowIs: string
  readonly rawBody: string
  readonly languages: Readonly<Record<Language, string>>
  readonly answering: string
  readonly answerIs: (seconds: string) => string
  readonly retries: string
  readonly retryIs: (attempts: number) => string
  readonly attempt: string
  readonly afterThePrevious: string
  readonly immediately: string
  readonly gone: string
  /** Where the policy lets a 4xx end the attempts. */
  readonly refused: string
  /** What a receiver can ask for, where the policy lets it. */
  readonly control: string
  readonly afterwards: string
  readonly busy: string
  readonly disabled: (rule: Policy['disable']) => string
  readonly duplicates: string
  readonly duplicateBy: (where: string) => string
  readonly duplicateByBody: string
  readonly support: string
  readonly duration: (ms: number) => string
}
