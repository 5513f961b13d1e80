import { hashOf, lines, signedHeaders, WINDOW_S, type Writer } from './pieces.ts'

export const php: Writer = (sample) => {
  const { header, prefix, separator, encoding, secret, pieces, time } = sample
  const q = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const key = {
    text: '$secret',
    whsec: "base64_decode(preg_replace('/^whsec_/', '', $secret), true)",
    base64: 'base64_decode($secret, true)',
    hex: 'hex2bin($secret)',
  }[secret]
  const signed = pieces.map((one) =>
    one === 'body' ? '$rawBody' : 'text' in one ? q(one.text) : `$headers[${q(one.header)}]`,
  )
  const raw = encoding === 'hex' ? 'false' : 'true'
  const mac = `hash_hmac(${q(hashOf(sample))}, ${signed.join(' . ')}, $key, ${raw})`
  const encoded =
    encoding === 'hex'
      ? mac
      : encoding === 'base64'
        ? `base64_encode(${mac})`
        : `rtrim(strtr(base64_encode(${mac}), '+/', '-_'), '=')`
  return lines(
    '<?php',
    '',
    "// $headers: with lower-case names. $rawBody: file_get_contents('php://input').",
    'function verify(array $headers, string $rawBody, string $secret): bool',
    '{',
    `    $given = $headers[${q(header)}] ?? null;`,
    '    if (!is_string($given)) {',
    '        return false;',
    '    }',
    ...signedHeaders(pieces).map(
      (name) => `    if (!is_string($headers[${q(name)}] ?? null)) {\n        return false;\n    }`,
    ),
    time &&
      `    if (!preg_match('/^\\d{1,15}\\z/', $headers[${q(time)}]) || abs(time() - (int) $headers[${q(time)}]) > ${WINDOW_S}) {\n        return false;\n    }`,
    sample.algorithm === 'token'
      ? lines(
          "    if ($secret === '') {\n        return false;\n    }",
          `    $expected = ${prefix ? `${q(prefix)} . ` : ''}$secret;`,
        )
      : lines(
          `    $key = ${key};`,
          "    if ($key === false || $key === '') {\n        return false;\n    }",
          `    $expected = ${prefix ? `${q(prefix)} . ` : ''}${encoded};`,
        ),
    `    foreach (${separator ? `explode(${q(separator)}, $given)` : '[$given]'} as $one) {`,
    '        if (hash_equals($expected, $one)) {',
    '            return true;',
    '        }',
    '    }',
    '    return false;',
    '}',
  )
}
