import { hashOf, lines, quoted, signedHeaders, WINDOW_S, type Writer } from './pieces.ts'

export const node: Writer = (sample) => {
  const { header, prefix, separator, encoding, secret, pieces, time } = sample
  const key = {
    text: "Buffer.from(secret, 'utf8')",
    whsec: "Buffer.from(secret.replace(/^whsec_/, ''), 'base64')",
    base64: "Buffer.from(secret, 'base64')",
    hex: "Buffer.from(secret, 'hex')",
  }[secret]
  const updates = pieces.map((one) =>
    one === 'body'
      ? '.update(rawBody)'
      : `.update(${'text' in one ? quoted(one.text) : `headers[${quoted(one.header)}]`})`,
  )
  return lines(
    "const crypto = require('node:crypto')",
    '',
    '// headers: with lower-case names. rawBody: the bytes as they came, before anything parses them.',
    'function verify(headers, rawBody, secret) {',
    `  const given = headers[${quoted(header)}]`,
    "  if (typeof given !== 'string') return false",
    ...signedHeaders(pieces).map((name) => `  if (typeof headers[${quoted(name)}] !== 'string') return false`),
    time && `  if (!/^\\d{1,15}$/.test(headers[${quoted(time)}])) return false`,
    time && `  if (Math.abs(Date.now() / 1000 - Number(headers[${quoted(time)}])) > ${WINDOW_S}) return false`,
    sample.algorithm === 'token'
      ? lines(
          '  if (!secret) return false',
          `  const expected = Buffer.from(${prefix ? `${quoted(prefix)} + ` : ''}secret)`,
        )
      : lines(
          `  const key = ${key}`,
          '  if (key.length === 0) return false',
          '  const mac = crypto',
          `    .createHmac(${quoted(hashOf(sample))}, key)`,
          ...updates.map((update) => `    ${update}`),
          `    .digest(${quoted(encoding)})`,
          `  const expected = Buffer.from(${prefix ? `${quoted(prefix)} + ` : ''}mac)`,
        ),
    '  const same = (text) => {',
    '    const bytes = Buffer.from(text)',
    '    return bytes.length === expected.length && crypto.timingSafeEqual(bytes, expected)',
    '  }',
    separator ? `  return given.split(${quoted(separator)}).some(same)` : '  return same(given)',
    '}',
    '',
    'module.exports = { verify }',
  )
}
