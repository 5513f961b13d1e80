import type { Command } from '../command.ts'
import { CONFIG } from '../config.ts'
import { publicHalf } from '../public-half.ts'
import { SUBJECT, subjectOf } from '../subject.ts'

export const secret: Command = {
  usage: '[options]',
  about:
    'Prints a new secret of the kind that the format takes, and beside it the public half where a receiver has that.',
  options: { format: SUBJECT.format, ...CONFIG },
  async run(_words, flags, io) {
    const { format } = await subjectOf(flags, io)
    const made = format.newSecret(io.random.bytes(32))
    const shared = publicHalf(format, made)
    if (shared !== undefined) io.note('the private key, to sign with (`hooks sign`, `signRequest`):')
    // Alone on the standard output, for HOOKS_SECRET=$(hooks secret).
    io.out(made)
    if (shared !== undefined) io.note(`the public key, the secret of a receiver (and of \`hooks verify\`):\n${shared}`)
    return 0
  },
}
