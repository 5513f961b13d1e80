import { hashOf, lines, quoted, signedHeaders, WINDOW_S, type Writer } from './pieces.ts'

export const ruby: Writer = (sample) => {
  const { header, prefix, separator, encoding, secret, pieces, time } = sample
  const key = {
    text: 'secret',
    whsec: 'secret.delete_prefix("whsec_").unpack1("m0")',
    base64: 'secret.unpack1("m0")',
    hex: '[secret].pack("H*")',
  }[secret]
  const signed = pieces.map((one) =>
    one === 'body' ? 'raw_body.b' : 'text' in one ? `${quoted(one.text)}.b` : `headers[${quoted(one.header)}].b`,
  )
  const encoded = {
    hex: 'mac.unpack1("H*")',
    base64: '[mac].pack("m0")',
    base64url: '[mac].pack("m0").tr("+/", "-_").delete("=")',
  }[encoding]
  return lines(
    'require "openssl"',
    '',
    '# headers: with lower-case names. raw_body: the bytes as they came.',
    'def verify(headers, raw_body, secret)',
    `  given = headers[${quoted(header)}]`,
    '  return false unless given.is_a?(String)',
    ...signedHeaders(pieces).map((name) => `  return false unless headers[${quoted(name)}].is_a?(String)`),
    time && `  return false unless headers[${quoted(time)}].match?(/\\A\\d{1,15}\\z/)`,
    time && `  return false if (Time.now.to_i - headers[${quoted(time)}].to_i).abs > ${WINDOW_S}`,
    sample.algorithm === 'token'
      ? lines('  return false if secret.to_s.empty?', `  expected = ${prefix ? `${quoted(prefix)} + ` : ''}secret`)
      : lines(
          `  key = ${key}`,
          '  return false if key.empty?',
          `  mac = OpenSSL::HMAC.digest(${quoted(hashOf(sample))}, key, ${signed.join(' + ')})`,
          `  expected = ${prefix ? `${quoted(prefix)} + ` : ''}${encoded}`,
        ),
    `  candidates = ${separator ? `given.split(${quoted(separator)})` : '[given]'}`,
    '  candidates.any? { |one| one.bytesize == expected.bytesize && OpenSSL.fixed_length_secure_compare(one, expected) }',
    'end',
  )
}
