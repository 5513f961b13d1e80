import { describe, expect, test } from 'vitest'
import { lintSources } from '../src/lint-sources.ts'

/** One file a case, so that a single program judges all of them. */
const judge = (cases: Readonly<Record<string, readonly [file: string, text: string]>>) => {
  const findings = lintSources(Object.fromEntries(Object.values(cases)))
  return (name: string) => findings.filter(({ file }) => file === cases[name]?.[0]).map(({ message }) => message)
}

type Case = readonly [folder: string, text: string]

const titles = (cases: readonly Case[]) => cases.map(([folder, text]) => `${folder}: ${text}`)

const plant = (cases: readonly Case[], file = 'planted') =>
  Object.fromEntries(
    titles(cases).map((title, n) => [
      title,
      [`${cases[n]?.[0]}/${file}-${n}.ts`, `${cases[n]?.[1]}\nexport {}\n`] as const,
    ]),
  )

const PUBLISHED = 'bullmq cli core express fastify nats nextjs portal postgres receiver redis sender sqlite'.split(' ')

describe('the seams', () => {
  const sender = 'packages/sender/src'
  const bad = [
    'Date.now()',
    'new Date()',
    'new Date(...[])',
    'Date()',
    'new globalThis.Date()',
    'const { now } = Date',
    'const Now = Date',
    "Date['now']()",
    'performance.now()',
    'globalThis.performance',
    'process.hrtime.bigint()',
    'process.uptime()',
    "import { performance as clock } from 'node:perf_hooks'; clock.now()",
    'setTimeout(() => {}, 1)',
    'setInterval(() => {}, 1)',
    'setImmediate(() => {})',
    'clearTimeout(undefined)',
    'clearInterval(undefined)',
    'globalThis.setTimeout(() => {}, 1)',
    "globalThis['setTimeout'](() => {}, 1)",
    'const { setTimeout: later } = globalThis',
    'const timers = { setTimeout }',
    "import { setTimeout as sleep } from 'node:timers/promises'",
    "process.getBuiltinModule('node:timers').setTimeout(() => {}, 1)",
    'AbortSignal.timeout(1)',
    'Math.random()',
    'const { random } = Math',
    'crypto.getRandomValues(new Uint8Array(1))',
    'crypto.randomUUID()',
    'globalThis.crypto.randomUUID()',
    "import { randomBytes } from 'node:crypto'; randomBytes(1)",
    "import * as c from 'node:crypto'; c.randomInt(3)",
    "process.getBuiltinModule('node:crypto').randomUUID()",
    "const { randomFillSync } = process.getBuiltinModule('node:crypto')",
    "fetch('https://example.test')",
    "globalThis.fetch('https://example.test')",
    'const send = fetch',
    "import { fetch } from 'undici'; fetch('https://example.test')",
  ]
  const good = [
    'new Date(0)',
    "new Date('2026-01-01')",
    "Date.parse('2026-01-01')",
    'Date.UTC(2026, 0)',
    'export const isDate = (x: unknown) => x instanceof Date',
    'export const later = (at: Date, ms: number): Date => new Date(at.getTime() + ms)',
    'export let timer: ReturnType<typeof setTimeout>',
    'export type Fetch = typeof fetch',
    'export type Stopwatch = Performance',
    'export interface Timers { setTimeout: typeof globalThis.setTimeout; now(): Date }',
    'export const send = (fetch: (url: string) => void) => fetch("")',
    'export const receiver = { fetch(_request: Request) {}, now: () => 0, random: 1 }; receiver.fetch(new Request("")); receiver.now()',
    'export const jitter = (random: { float(): number }) => random.float()',
    "export const text = 'Date.now() // setTimeout'",
    "export const hash = process.getBuiltinModule('node:crypto').createHmac",
    'export const digest = (bytes: Uint8Array<ArrayBuffer>) => crypto.subtle.digest("SHA-256", bytes)',
    'queueMicrotask(() => {})',
  ]
  const inSender = judge({
    ...plant(bad.map((text) => [`${sender}/bad`, text])),
    ...plant(good.map((text) => [`${sender}/good`, text])),
    timerInHttp: ['packages/sender/src/http/planted.ts', 'setTimeout(() => {}, 1); clearTimeout(undefined)'],
    clockInHttp: ['packages/sender/src/http/planted-clock.ts', 'export const at = Date.now()'],
    chanceInHttp: ['packages/sender/src/http/planted-chance.ts', 'export const n = Math.random()'],
    ...Object.fromEntries(
      PUBLISHED.map((name) => [name, [`packages/${name}/src/planted.ts`, 'export const n = Math.random()'] as const]),
    ),
    test: ['packages/core/test/planted.ts', 'export const n = Math.random()'],
  })

  test.each(bad)('%s is found', (text) => {
    expect(inSender(`${sender}/bad: ${text}`)).not.toEqual([])
  })

  test.each(good)('%s passes', (text) => {
    expect(inSender(`${sender}/good: ${text}`)).toEqual([])
  })

  test('the guarded HTTP client may use timers, and neither the wall clock nor chance', () => {
    expect(inSender('timerInHttp')).toEqual([])
    expect(inSender('clockInHttp')).toHaveLength(1)
    expect(inSender('chanceInHttp')).toHaveLength(1)
  })

  test('the rule holds in the sources of every published package, and not in tests', () => {
    for (const name of PUBLISHED) expect(inSender(name), name).toHaveLength(1)
    expect(inSender('test')).toEqual([])
  })
})

describe('the directions of imports', () => {
  const src = (name: string) => `packages/${name}/src`
  const bad: readonly Case[] = [
    [src('core'), "import '@hooks/sender'"],
    [src('core'), "import '@hooks/core'"],
    [src('core'), "import 'node:fs'"],
    [src('core'), "import { z } from 'zod'; z"],
    [src('core'), "await import('undici')"],
    [src('sender'), "import '@hooks/receiver'"],
    [src('sender'), "import type {} from '@hooks/receiver'"],
    [src('sender'), "export * from '@hooks/sqlite'"],
    [src('sender'), "import 'express'"],
    [src('sender'), "import '../../core/src/index.ts'"],
    [src('sender'), "import '@hooks/core/src/index.ts'"],
    [src('sender'), "import '@hooks/core/dist/index.js'"],
    [src('sender'), "import '../test/help.ts'"],
    [src('sender'), "require('@hooks/receiver')"],
    [src('sender'), "export type R = typeof import('@hooks/receiver')"],
    [src('receiver'), "import '@hooks/sender'"],
    [src('receiver'), "import 'node:http'"],
    [src('express'), "import { HooksError } from '@hooks/core'; HooksError"],
    [src('express'), "import { type HooksError } from '@hooks/core'"],
    [src('express'), "export { HooksError } from '@hooks/core'"],
    [src('express'), "import type {} from '@hooks/receiver'"],
    [src('express'), "import express from 'express'; express"],
    [src('sqlite'), "import '@hooks/sender'"],
    [src('sqlite'), "import '@hooks/sender/testing'"],
    [src('sqlite'), "import 'libsql'"],
    ['packages/core/test', "import '@hooks/sender'"],
    ['packages/sender/test', "import '@hooks/receiver'"],
    ['packages/sender/test', "import '@hooks/sqlite'"],
    ['packages/receiver/test', "import '@hooks/sender'"],
    ['packages/bench/src', "import 'example-demo'"],
    ['examples/veza/src', "import 'example-grillo/contract'"],
    ['packages/bench/src', "import '../../../examples/demo/src/main.ts'"],
    ['examples/demo/src', "import '../../../packages/core/src/index.ts'"],
    ['examples/demo/src', "import '@hooks/core/src/index.ts'"],
  ]
  const good: readonly Case[] = [
    [src('core'), "import './errors.ts'"],
    [src('core'), "process.getBuiltinModule('node:crypto')"],
    [
      src('sender'),
      "import '@hooks/core'; import { request } from 'undici'; import 'p-retry'; import 'node:dns'; request",
    ],
    [src('receiver'), "import '@hooks/core'"],
    [src('express'), "import type { HooksError } from '@hooks/core'; import type { IncomingMessage } from 'node:http'"],
    [src('sqlite'), "import '@hooks/core'"],
    [
      'packages/sqlite/test',
      "import '@hooks/sender/testing'; import '@hooks/receiver/testing'; import 'libsql'; import '../src/index.ts'",
    ],
    ['packages/express/test', "import 'express'; import '@hooks/receiver'"],
    ['packages/bench/src', "import '@hooks/sender'; import '@hooks/receiver'"],
    ['examples/demo/src', "import 'example-veza/contract'"],
    ['examples/demo/src', "import '@hooks/sender'; import '@hooks/receiver'; import '@hooks/sqlite'"],
  ]
  const directions = judge({
    ...plant(bad),
    ...plant(good, 'good'),
    a: ['packages/sender/src/planted/a.ts', "import { b } from './b.ts'\nexport const a = () => b"],
    b: ['packages/sender/src/planted/b.ts', "import type { C } from './c.ts'\nexport const b = (c: C) => c"],
    c: ['packages/sender/src/planted/c.ts', "import type { a } from './a.ts'\nexport type C = typeof a"],
  })

  test.each(titles(bad))('%s is found', (title) => {
    expect(directions(title)).not.toEqual([])
  })

  test.each(titles(good))('%s passes', (title) => {
    expect(directions(title)).toEqual([])
  })

  test('a circle between files is found, though some of its imports are types', () => {
    expect([...directions('a'), ...directions('b'), ...directions('c')]).toEqual([
      'a circle of imports: packages/sender/src/planted/a.ts -> packages/sender/src/planted/b.ts -> packages/sender/src/planted/c.ts -> packages/sender/src/planted/a.ts',
    ])
  })
})
