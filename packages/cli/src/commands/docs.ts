import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ConfigurationError } from '@hooks/core'
import { type Command, UsageError } from '../command.ts'
import { CONFIG, configOf } from '../config.ts'

export const docs: Command = {
  usage: '<folder> [options]',
  words: 1,
  about: "Writes the documentation for those who receive your webhooks: the configuration's `docs`.",
  options: {
    check: { about: 'only looks: 1 where the folder holds another one, for CI', kind: 'flag' },
    ...CONFIG,
  },
  async run([folder], flags, io) {
    if (folder === undefined) throw new UsageError('into which folder?')
    const { docs: files } = await configOf(flags, io)
    if (!files)
      throw new ConfigurationError('option_invalid', 'there is no documentation', {
        hint: 'export it from hooks.config.mjs: export const docs = consumerDocs(contract, { product, version, date }) of @hooks/portal/docs',
      })
    let stale = 0
    for (const [path, text] of Object.entries(files)) {
      const target = resolve(io.cwd, folder, path)
      const there = await readFile(target, 'utf8').catch(() => undefined)
      if (there === text) continue
      stale++
      io.out(path)
      if (flags.check === true) continue
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, text)
    }
    if (stale === 0) io.note('up to date')
    else io.note(flags.check === true ? `${stale} out of date: run \`npx hooks docs ${folder}\`` : `${stale} written`)
    return flags.check === true && stale > 0 ? 1 : 0
  },
}
