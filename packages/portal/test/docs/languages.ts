import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Language } from '../../src/docs/verification-code.ts'

/** A request as a receiver has it, and the secret that it knows. */
export interface Request {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  readonly secret: string
}

/** What the code says of a request: it accepts it, refuses it, or throws. */
export type Verdict = 'accepted' | 'refused' | 'thrown'

interface Runner {
  /** What shows that the language is here. */
  readonly command: readonly [name: string, ...args: string[]]
  /** The code's file. */
  readonly file: string
  /** A program that prints 1, 0 or x for each request in `requests.json` or, without JSON, in `requests.tsv`. */
  readonly program: readonly [file: string, text: string]
  readonly run: readonly (readonly [name: string, ...args: string[]])[]
}

const RUNNERS: Readonly<Record<Language, Runner>> = {
  node: {
    command: ['node', '--version'],
    file: 'verify.cjs',
    program: [
      'main.cjs',
      `const { verify } = require('./verify.cjs')
const said = ({ headers, body, secret }) => {
  try {
    return verify(headers, Buffer.from(body, 'base64'), secret) ? 1 : 0
  } catch {
    return 'x'
  }
}
for (const one of require('./requests.json')) console.log(said(one))`,
    ],
    run: [['node', 'main.cjs']],
  },
  python: {
    command: ['python3', '--version'],
    file: 'verify.py',
    program: [
      'main.py',
      `import base64
import json
from verify import verify
for one in json.load(open("requests.json", encoding="utf-8")):
    try:
        print(1 if verify(one["headers"], base64.b64decode(one["body"]), one["secret"]) else 0)
    except Exception:
        print("x")`,
    ],
    run: [['python3', 'main.py']],
  },
  php: {
    command: ['php', '--version'],
    file: 'verify.php',
    program: [
      'main.php',
      `<?php require 'verify.php';
error_reporting(0);
foreach (json_decode(file_get_contents('requests.json'), true) as $one) {
    try {
        echo verify($one['headers'], base64_decode($one['body']), $one['secret']) ? 1 : 0, "\\n";
    } catch (Throwable) {
        echo "x\\n";
    }
}`,
    ],
    run: [['php', 'main.php']],
  },
  ruby: {
    command: ['ruby', '--version'],
    file: 'verify.rb',
    program: [
      'main.rb',
      `require "json"
require_relative "verify"
JSON.parse(File.read("requests.json", encoding: "UTF-8")).each do |one|
  puts(verify(one["headers"], one["body"].unpack1("m0"), one["secret"]) ? 1 : 0)
rescue StandardError
  puts("x")
end`,
    ],
    run: [['ruby', 'main.rb']],
  },
  go: {
    command: ['go', 'version'],
    file: 'verify/verify.go',
    program: [
      'main.go',
      `package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	webhooks "example/verify"
)

type request struct {
	Headers map[string]string
	Body    []byte
	Secret  string
}

func said(one request) (word string) {
	defer func() {
		if recover() != nil {
			word = "x"
		}
	}()
	headers := http.Header{}
	for name, value := range one.Headers {
		headers.Set(name, value)
	}
	if webhooks.Verify(headers, one.Body, one.Secret) {
		return "1"
	}
	return "0"
}

func main() {
	text, _ := os.ReadFile("requests.json")
	var all []request
	if err := json.Unmarshal(text, &all); err != nil {
		panic(err)
	}
	for _, one := range all {
		fmt.Println(said(one))
	}
}
`,
    ],
    run: [['go', 'run', '.']],
  },
  java: {
    command: ['javac', '-version'],
    file: 'Webhooks.java',
    program: [
      'Main.java',
      `import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;

public final class Main {
    public static void main(String[] args) throws Exception {
        for (String line : Files.readAllLines(Path.of("requests.tsv"))) {
            List<byte[]> fields = new ArrayList<>();
            for (String field : line.split("\\t", -1)) fields.add(Base64.getDecoder().decode(field));
            Map<String, String> headers = new HashMap<>();
            for (int i = 2; i + 1 < fields.size(); i += 2) headers.put(text(fields.get(i)), text(fields.get(i + 1)));
            try {
                System.out.println(Webhooks.verify(headers, fields.get(1), text(fields.get(0))) ? 1 : 0);
            } catch (Exception thrown) {
                System.out.println("x");
            }
        }
    }

    static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
`,
    ],
    run: [
      ['javac', '-encoding', 'UTF-8', 'Main.java', 'Webhooks.java'],
      ['java', 'Main'],
    ],
  },
}

/** Whether the code of a language is run. Where the language is missing, a line says so; with CI=true it fails then. */
export function isRun(language: Language): boolean {
  const [name, ...args] = RUNNERS[language].command
  const found = spawnSync(name, args).status === 0
  if (!found && process.env.CI !== 'true') {
    console.info(`the ${language} code is written and not run, because there is no ${name}`)
  }
  return found || process.env.CI === 'true'
}

/** Runs verification code, as it is written, over requests, where nothing says that text is UTF-8. */
export function judge(language: Language, code: string, requests: readonly Request[]): readonly Verdict[] {
  const { file, program, run } = RUNNERS[language]
  const folder = mkdtempSync(join(tmpdir(), `verification-${language}-`))
  try {
    if (language === 'go') {
      mkdirSync(join(folder, 'verify'))
      writeFileSync(join(folder, 'go.mod'), 'module example\n\ngo 1.19\n')
    }
    writeFileSync(join(folder, file), code)
    const inBase64 = requests.map((one) => ({ ...one, body: Buffer.from(one.body).toString('base64') }))
    writeFileSync(join(folder, 'requests.json'), JSON.stringify(inBase64))
    writeFileSync(join(folder, 'requests.tsv'), tabbed(requests))
    writeFileSync(join(folder, program[0]), program[1])
    let printed = ''
    for (const [name, ...args] of run) {
      const env = { ...process.env, LC_ALL: 'C', LANG: 'C' }
      printed = execFileSync(name, args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    }
    return printed
      .trim()
      .split('\n')
      .map((word) => VERDICTS[word] ?? fail(word))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const VERDICTS: Readonly<Record<string, Verdict>> = { 1: 'accepted', 0: 'refused', x: 'thrown' }

const fail = (word: string): never => {
  throw new Error(`the program printed ${word}`)
}

/** One request a line, each field in base64, for languages without JSON in their library. */
const tabbed = (requests: readonly Request[]) =>
  requests
    .map(({ headers, body, secret }) =>
      [secret, body, ...Object.entries(headers).flat()]
        .map((one) => Buffer.from(one as string).toString('base64'))
        .join('\t'),
    )
    .join('\n')
