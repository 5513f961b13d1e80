import { hashOf, lines, quoted, signedHeaders, WINDOW_S, type Writer } from './pieces.ts'

export const python: Writer = (sample) => {
  const { header, prefix, separator, encoding, secret, pieces, time } = sample
  const key = {
    text: 'secret.encode("utf-8")',
    whsec: 'base64.b64decode(secret.removeprefix("whsec_"))',
    base64: 'base64.b64decode(secret)',
    hex: 'bytes.fromhex(secret)',
  }[secret]
  const digest = {
    hex: 'mac.hexdigest()',
    base64: 'base64.b64encode(mac.digest()).decode()',
    base64url: 'base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")',
  }[encoding]
  const signed = pieces.map((one) =>
    one === 'body'
      ? 'raw_body'
      : 'text' in one
        ? `b${quoted(one.text)}`
        : `headers[${quoted(one.header)}].encode("utf-8")`,
  )
  return lines(
    'import base64',
    'import hashlib',
    'import hmac',
    'import re',
    'import time',
    '',
    '',
    'def verify(headers, raw_body: bytes, secret: str) -> bool:',
    '    """headers: with lower-case names. raw_body: the bytes as they came."""',
    `    given = headers.get(${quoted(header)})`,
    '    if not isinstance(given, str):',
    '        return False',
    ...signedHeaders(pieces).map(
      (name) => `    if not isinstance(headers.get(${quoted(name)}), str):\n        return False`,
    ),
    time && `    if not re.fullmatch(r"[0-9]{1,15}", headers[${quoted(time)}]):\n        return False`,
    time && `    if abs(time.time() - int(headers[${quoted(time)}])) > ${WINDOW_S}:\n        return False`,
    sample.algorithm === 'token'
      ? lines(
          '    if not secret:\n        return False',
          `    expected = ${prefix ? `${quoted(prefix)} + ` : ''}secret`,
        )
      : lines(
          `    key = ${key}`,
          '    if not key:\n        return False',
          `    mac = hmac.new(key, ${signed.join(' + ')}, hashlib.${hashOf(sample)})`,
          `    expected = ${prefix ? `${quoted(prefix)} + ` : ''}${digest}`,
        ),
    `    candidates = ${separator ? `given.split(${quoted(separator)})` : '[given]'}`,
    '    return any([hmac.compare_digest(one.encode("utf-8"), expected.encode("utf-8")) for one in candidates])',
  )
}
