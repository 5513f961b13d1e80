import { findings } from '../checks.ts'
import type { Command } from '../command.ts'
import { CONFIG, configFile, configOf } from '../config.ts'
import { paint, visible } from '../text.ts'

const MARKS = { good: ['green', '✓'], note: ['yellow', '!'], bad: ['red', '✗'] } as const

export const doctor: Command = {
  usage: '[options]',
  about:
    'Looks at how webhooks are set up here: Node.js, the configuration, the database, its clock, what waits, the secret, and what the environment does to requests. 1 where something is wrong.',
  options: { json: { about: 'a line of JSON for each', kind: 'flag' }, ...CONFIG },
  async run(_words, flags, io) {
    const file = configFile(flags, io)
    const config = await configOf(flags, io)
    let bad = 0
    try {
      for await (const one of findings({ io, file, config })) {
        if (one.mark === 'bad') bad++
        if (flags.json === true) io.out(JSON.stringify(one))
        else {
          const [colour, mark] = MARKS[one.mark]
          io.out(`${paint(io, colour, mark)} ${one.about}: ${visible(one.what)}`)
          if (one.todo !== undefined) io.out(`  ${one.todo}`)
        }
      }
    } finally {
      await config.storage?.close()
    }
    return bad > 0 ? 1 : 0
  },
}
