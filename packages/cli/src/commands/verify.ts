import type { Command } from '../command.ts'
import { createJudge, type Judgement } from '../judge.ts'
import { readRequest } from '../request-text.ts'
import { SUBJECT, subjectOf } from '../subject.ts'
import { paint, visible } from '../text.ts'

const TIMES = new Set(['timestamp_too_old', 'timestamp_too_new'])

export const verify: Command = {
  usage: '< request [options]',
  about:
    'Says whether a request is honest, and if not, why: 1 then. It reads a request as it came, a curl command, or JSON.',
  options: {
    'any-time': { about: 'takes a request that was kept for one that is on time', kind: 'flag' },
    json: { about: 'as JSON', kind: 'flag' },
    ...SUBJECT,
  },
  async run(_words, flags, io) {
    const subject = await subjectOf(flags, io)
    const judge = createJudge(subject, io, flags['any-time'] === true)
    const found = await judge(readRequest(await io.stdin()))
    if (flags.json === true) io.out(JSON.stringify(shown(found)))
    else if (found.ok) {
      const { type, id, data, integrity } = found.message
      io.out(paint(io, 'green', `✓ honest: ${visible(type)}${id === undefined ? '' : ` ${visible(id)}`}`))
      if (integrity === 'none')
        io.out('  The signature does not cover the body: anybody on the way may have changed it.')
      io.out(JSON.stringify(data, null, 2))
    } else {
      io.out(paint(io, 'red', `✗ ${found.code}: ${visible(found.text)}`))
      for (const reason of found.reasons) io.out(`  ${visible(reason)}`)
      if (TIMES.has(found.code)) io.out('  Its signature fits. For a request that was kept: --any-time')
    }
    return found.ok ? 0 : 1
  },
}

/** A judgement as JSON. */
export function shown(found: Judgement): object {
  if (!found.ok) return found
  const { type, id, data, integrity } = found.message
  return { ok: true, type, id: id ?? null, integrity, data }
}
