#!/usr/bin/env node
import { machine } from './machine.ts'
import { run } from './run.ts'

async function main(): Promise<void> {
  const status = await run(process.argv.slice(2), machine())
  // What could not be written has set another one.
  process.exitCode ??= status
}

void main()
