import { isHooksError, type WireDescription } from '@hooks/core'
import type { Operation } from '../call.ts'
import { LANGUAGES, type Language, verificationCode } from '../docs/verification-code.ts'

/** Code by which a receiver verifies what this contract signs, by language; none where there is none for its format. */
export const listVerificationCode: Operation = {
  needs: 'read',
  run: async ({ contract: { format } }) => [200, { data: format.wire ? samplesOf(format.wire) : [] }],
}

function samplesOf(wire: WireDescription): readonly { readonly language: Language; readonly code: string }[] {
  try {
    return LANGUAGES.map((language) => ({ language, code: verificationCode(wire, language) }))
  } catch (error) {
    if (isHooksError(error, 'format_invalid')) return []
    throw error
  }
}
