import { ConfigurationError } from '@hooks/core'
import type { Command } from '../command.ts'
import { CONFIG, configOf } from '../config.ts'

export const migrate: Command = {
  usage: '[options]',
  about: "Brings the database of the configuration's `storage` to the version that these packages need.",
  options: {
    check: { about: 'only looks: 1 where there is something to do', kind: 'flag' },
    print: { about: 'prints the statements, for a migration tool of your own', kind: 'flag' },
    ...CONFIG,
  },
  async run(_words, flags, io) {
    const { storage } = await configOf(flags, io)
    if (!storage)
      throw new ConfigurationError('option_invalid', 'there is no storage', {
        hint: 'export it from hooks.config.mjs: export const storage = postgresStorage(pool)',
      })
    try {
      const { version, expected } = await storage.schema.check()
      if (flags.print === true) {
        for (const { id, phase, sql } of storage.schema.migrations(version)) {
          io.out(`-- ${id}, ${phase === 'expand' ? 'before' : 'after'} the new code`)
          for (const statement of sql) io.out(`${statement.trim()};\n`)
        }
        return 0
      }
      if (version >= expected) io.out(`version ${version}: nothing to do`)
      else if (flags.check === true) io.out(`version ${version}, and ${expected} is needed: run \`hooks migrate\``)
      else {
        await storage.schema.migrate()
        io.out(`version ${version} -> ${expected}`)
      }
      return flags.check === true && version < expected ? 1 : 0
    } finally {
      await storage.close()
    }
  },
}
