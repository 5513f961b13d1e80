import type { Command } from '../command.ts'
import { CONFIG } from '../config.ts'
import { SUBJECT, subjectOf } from '../subject.ts'

export const secret: Command = {
  usage: '[options]',
  about: 'Prints a new secret of the kind that the format takes.',
  options: { format: SUBJECT.format, ...CONFIG },
  async run(_words, flags, io) {
    const { format } = await subjectOf(flags, io)
    io.out(format.newSecret(io.random.bytes(32)))
    return 0
  },
}
