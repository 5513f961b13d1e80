#!/usr/bin/env node
import { machine } from './machine.ts'
import { run } from './run.ts'

async function main(): Promise<void> {
  const status = await run(process.argv.slice(2), machine())
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((written) => stream.write('', () => written()))
  // What the configuration has opened, such as a pool of connections, would keep the process alive. What could not be
  // written has set a status of its own.
  process.exit(process.exitCode ?? status)
}

void main()
