import type { WireDescription } from '@hooks/core'
import { go } from './verification/go.ts'
import { java } from './verification/java.ts'
import { node } from './verification/node.ts'
import { php } from './verification/php.ts'
import { sampleOf, type Writer } from './verification/pieces.ts'
import { python } from './verification/python.ts'
import { ruby } from './verification/ruby.ts'

/** The languages that verification code is written in. */
export const LANGUAGES = ['node', 'python', 'php', 'ruby', 'go', 'java'] as const
/** One of {@link LANGUAGES}. */
export type Language = (typeof LANGUAGES)[number]

/**
 * A function in `language` that verifies a request of a format: raw bytes, constant time, a window where a time is
 * signed, and false for whatever is missing or malformed. It needs nothing but the language's own library.
 *
 * @throws ConfigurationError `format_invalid` for what is signed over the URL, the method or by fields
 */
export function verificationCode(wire: WireDescription, language: Language): string {
  return WRITERS[language](sampleOf(wire)).trim().concat('\n')
}

const WRITERS: Readonly<Record<Language, Writer>> = { node, python, php, ruby, go, java }
