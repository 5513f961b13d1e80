import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hmacFormat, type OutgoingAttempt, part, platformCrypto, standardWebhooks, type WireFormat } from '@hooks/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { LANGUAGES, type Language, verificationCode } from '../../src/docs/verification-code.ts'

const TEXT = 'a_secret_of_twenty_b'
const WHSEC = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`

const formats: readonly (readonly [name: string, format: WireFormat, secret: string, other: string])[] = [
  ['Standard Webhooks', standardWebhooks(), WHSEC, WHSEC.replace('MDEy', 'MDEz')],
  [
    'hex over the body',
    hmacFormat({
      name: 'hex',
      secret: 'text',
      body: { event: part.type, data: part.data },
      signature: { header: 'x-hex-signature' },
    }),
    TEXT,
    `${TEXT}2`,
  ],
  [
    'a prefix, and a signed time',
    hmacFormat({
      name: 'timed',
      secret: 'text',
      body: { type: part.type, data: part.data },
      headers: { 'x-sent': part.sentAt('unix'), 'x-kind': part.type },
      signature: {
        header: 'x-timed-signature',
        prefix: 'sha256=',
        over: [part.header('x-sent'), '.', part.body],
      },
    }),
    TEXT,
    `${TEXT}2`,
  ],
  [
    'SHA-1 in base64',
    hmacFormat({
      name: 'sha1',
      secret: 'base64',
      body: { type: part.type, data: part.data },
      signature: { header: 'x-signature', algorithm: 'hmac-sha1', encoding: 'base64' },
    }),
    WHSEC.slice(6),
    WHSEC.slice(6).replace('MDEy', 'MDEz'),
  ],
  [
    'SHA-512 in unpadded base64url',
    hmacFormat({
      name: 'sha512',
      secret: 'hex',
      body: { type: part.type, data: part.data },
      signature: { header: 'x-signature', algorithm: 'hmac-sha512', encoding: 'base64url', prefix: 'v1=' },
    }),
    '00ff'.repeat(16),
    '01ff'.repeat(16),
  ],
  [
    'a token',
    hmacFormat({
      name: 'token',
      secret: 'text',
      body: { event: part.type, '...': part.data },
      signature: { header: 'x-token', token: true },
    }),
    TEXT,
    `${TEXT}2`,
  ],
]

/** A request, and whether the code is to accept it. */
interface Case {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly secret: string
  readonly wanted: boolean
}

async function casesOf(format: WireFormat, secret: string, other: string): Promise<readonly Case[]> {
  const now = new Date()
  const seal = async (sentAt: Date) => {
    const delivery: Omit<OutgoingAttempt, 'body'> = {
      message: {
        id: 'msg_1',
        type: 'booking.created',
        occurredAt: now,
        tenant: 'acme',
        data: '{"nom":"Événement créé 🎉"}',
      },
      endpoint: { id: 'ep_1', url: 'https://acme.example/' },
      delivery: { id: 'dlv_1' },
      attempt: 1,
      sentAt,
    }
    const body = String(format.compose(delivery).body)
    const sealed = await format.seal(
      { ...delivery, body: Buffer.from(body) },
      format.keys(secret, 'sign'),
      platformCrypto(),
    )
    return { headers: sealed, body }
  }
  const good = await seal(now)
  const old = await seal(new Date(now.getTime() - 400_000))
  const { header } = (format.wire as NonNullable<WireFormat['wire']>).signature
  const { [header]: signature = '', ...unsigned } = good.headers
  const token = format.facts.body === 'unsigned'
  const timed = format.facts.sentAt === 'signed'
  const cases: Case[] = [
    { ...good, secret, wanted: true },
    { ...good, secret: other, wanted: false },
    { ...good, body: good.body.replace('Événement', 'Evenement'), secret, wanted: token },
    { headers: unsigned, body: good.body, secret, wanted: false },
    { ...good, headers: { ...unsigned, [header]: signature.slice(0, -4) }, secret, wanted: false },
    { ...good, headers: { ...unsigned, [header]: 'é' }, secret, wanted: false },
    { ...good, headers: { ...unsigned, [header]: '' }, secret, wanted: false },
  ]
  if (!timed) return cases
  const times = Object.keys(good.headers).filter((name) => /time|sent/.test(name))
  return [
    ...cases,
    { ...old, secret, wanted: false },
    ...times.map((name) => ({ ...good, headers: { ...good.headers, [name]: '12x' }, secret, wanted: false })),
    ...times.map((name) => {
      const { [name]: _, ...without } = good.headers
      return { ...good, headers: without, secret, wanted: false }
    }),
  ]
}

/** How each language is run: a program that reads cases as JSON, or as lines, and prints 1 or 0 for each. */
interface Runner {
  readonly command: readonly string[]
  run(folder: string, code: string, cases: readonly Case[]): string
}

const run = (folder: string, command: string, ...args: string[]) =>
  execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/** One case a line, each field in base64, for languages without JSON in their library. */
const tabbed = (cases: readonly Case[]) =>
  cases
    .map(({ headers, body, secret }) =>
      [secret, body, ...Object.entries(headers).flat()].map((text) => Buffer.from(text).toString('base64')).join('\t'),
    )
    .join('\n')

const runners: Readonly<Record<Language, Runner>> = {
  node: {
    command: ['node', '--version'],
    run(folder, code, cases) {
      writeFileSync(join(folder, 'verify.cjs'), code)
      writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases))
      const program = `const { verify } = require('./verify.cjs')
for (const { headers, body, secret } of require('./cases.json')) console.log(verify(headers, Buffer.from(body), secret) ? 1 : 0)`
      writeFileSync(join(folder, 'main.cjs'), program)
      return run(folder, 'node', 'main.cjs')
    },
  },
  python: {
    command: ['python3', '--version'],
    run(folder, code, cases) {
      writeFileSync(join(folder, 'verify.py'), code)
      writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases))
      const program = `import json
from verify import verify
for case in json.load(open("cases.json", encoding="utf-8")):
    print(1 if verify(case["headers"], case["body"].encode("utf-8"), case["secret"]) else 0)`
      writeFileSync(join(folder, 'main.py'), program)
      return run(folder, 'python3', 'main.py')
    },
  },
  php: {
    command: ['php', '--version'],
    run(folder, code, cases) {
      writeFileSync(join(folder, 'verify.php'), code)
      writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases))
      const program = `<?php require 'verify.php';
foreach (json_decode(file_get_contents('cases.json'), true) as $case) echo verify($case['headers'], $case['body'], $case['secret']) ? 1 : 0, "\\n";`
      writeFileSync(join(folder, 'main.php'), program)
      return run(folder, 'php', 'main.php')
    },
  },
  ruby: {
    command: ['ruby', '--version'],
    run(folder, code, cases) {
      writeFileSync(join(folder, 'verify.rb'), code)
      writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases))
      const program = `require "json"
require_relative "verify"
JSON.parse(File.read("cases.json", encoding: "UTF-8")).each { |c| puts(verify(c["headers"], c["body"], c["secret"]) ? 1 : 0) }`
      writeFileSync(join(folder, 'main.rb'), program)
      return run(folder, 'ruby', 'main.rb')
    },
  },
  go: {
    command: ['go', 'version'],
    run(folder, code, cases) {
      writeFileSync(join(folder, 'go.mod'), 'module webhooks\n\ngo 1.19\n')
      writeFileSync(join(folder, 'verify.go'), code.replace('package webhooks', 'package main'))
      writeFileSync(join(folder, 'cases.json'), JSON.stringify(cases))
      const program = `package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

func main() {
	text, _ := os.ReadFile("cases.json")
	var cases []struct {
		Headers map[string]string
		Body, Secret string
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		panic(err)
	}
	for _, one := range cases {
		headers := http.Header{}
		for name, value := range one.Headers {
			headers.Set(name, value)
		}
		if Verify(headers, []byte(one.Body), one.Secret) {
			fmt.Println(1)
		} else {
			fmt.Println(0)
		}
	}
}
`
      writeFileSync(join(folder, 'main.go'), program)
      return run(folder, 'go', 'run', '.')
    },
  },
  java: {
    command: ['javac', '-version'],
    run(folder, code, cases) {
      writeFileSync(join(folder, 'Webhooks.java'), code)
      writeFileSync(join(folder, 'cases.tsv'), tabbed(cases))
      const program = `import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;

public final class Main {
    public static void main(String[] args) throws Exception {
        for (String line : Files.readAllLines(Path.of("cases.tsv"))) {
            List<byte[]> fields = new ArrayList<>();
            for (String field : line.split("\\t", -1)) fields.add(Base64.getDecoder().decode(field));
            Map<String, String> headers = new HashMap<>();
            for (int i = 2; i + 1 < fields.size(); i += 2) headers.put(text(fields.get(i)), text(fields.get(i + 1)));
            System.out.println(Webhooks.verify(headers, fields.get(1), text(fields.get(0))) ? 1 : 0);
        }
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
`
      writeFileSync(join(folder, 'Main.java'), program)
      run(folder, 'javac', '-encoding', 'UTF-8', 'Main.java', 'Webhooks.java')
      return run(folder, 'java', 'Main')
    },
  },
}

const present = ({ command: [name = '', ...args] }: Runner) => {
  try {
    execFileSync(name, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe.each(LANGUAGES)('the verification code in %s', (language) => {
  const runner = runners[language]
  const here = present(runner)
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'verification-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  // A language that this machine does not have is not installed for this: the other languages run the same cases.
  it.runIf(here).each(formats)(
    'accepts what %s seals, and refuses everything else',
    async (_, format, secret, other) => {
      const cases = await casesOf(format, secret, other)
      const code = verificationCode(format.wire as NonNullable<WireFormat['wire']>, language)
      const printed = runner.run(folder, code, cases).trim().split('\n')
      expect(printed).toEqual(cases.map(({ wanted }) => (wanted ? '1' : '0')))
    },
    60_000,
  )

  it('is written for every format of parts', () => {
    for (const [, { wire }] of formats) expect(verificationCode(wire as never, language)).toMatch(/\n$/)
  })
})
