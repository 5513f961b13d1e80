import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A call of a method of the sample's class, which has a constructor without parameters. */
export interface JavaCase {
  readonly call: string
  readonly with: readonly string[]
}

const found = spawnSync('javac', ['-version']).status === 0 && spawnSync('java', ['-version']).status === 0
export const java = found || process.env.CI === 'true'
if (!java) console.info('the Java samples are not run, because there is no javac')

/** Calls what its input names, a line each: the method and its texts, in Base64. */
const HARNESS = `
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Scanner;

public class Harness {
    public static void main(String[] arguments) throws Exception {
        Object sample = Class.forName(arguments[0]).getDeclaredConstructor().newInstance();
        Scanner lines = new Scanner(System.in, "UTF-8");
        while (lines.hasNextLine()) {
            String[] words = lines.nextLine().split(" ");
            Object[] given = Arrays.stream(words).skip(1)
                .map(word -> new String(Base64.getDecoder().decode(word), StandardCharsets.UTF_8)).toArray();
            Class<?>[] types = new Class<?>[given.length];
            Arrays.fill(types, String.class);
            System.out.println(sample.getClass().getMethod(words[0], types).invoke(sample, given));
        }
    }
}
`

/** What a printed Java class, compiled as it is, gives for each case, as text. */
export const runJava = (code: string, cases: readonly JavaCase[]): string[] => {
  const name = /public class (\w+)/.exec(code)?.[1] ?? ''
  const folder = mkdtempSync(join(tmpdir(), 'hooks-java-'))
  try {
    writeFileSync(join(folder, `${name}.java`), code)
    writeFileSync(join(folder, 'Harness.java'), HARNESS)
    run('javac', ['-encoding', 'UTF-8', `${name}.java`, 'Harness.java'], folder)
    const encoded = (text: string) => Buffer.from(text).toString('base64')
    const input = cases.map((one) => [one.call, ...one.with.map(encoded)].join(' ')).join('\n')
    // Its default charset, which the samples rely on: UTF-8 on every system from Java 18 on.
    return run('java', ['-Dfile.encoding=UTF-8', '-cp', folder, 'Harness', name], folder, input).trim().split('\n')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function run(command: string, words: readonly string[], cwd: string, input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(command, words, { cwd, input, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command}: ${error?.message ?? stderr}`)
  return stdout
}
