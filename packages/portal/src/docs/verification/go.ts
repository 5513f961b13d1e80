import { hashOf, lines, quoted, signedHeaders, WINDOW_S, type Writer } from './pieces.ts'

export const go: Writer = (sample) => {
  const { header, prefix, separator, encoding, secret, pieces, time } = sample
  const hash = hashOf(sample)
  const token = sample.algorithm === 'token'
  const decode = {
    text: undefined,
    whsec: 'base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))',
    base64: 'base64.StdEncoding.DecodeString(secret)',
    hex: 'hex.DecodeString(secret)',
  }[secret]
  const encoded = {
    hex: 'hex.EncodeToString(mac.Sum(nil))',
    base64: 'base64.StdEncoding.EncodeToString(mac.Sum(nil))',
    base64url: 'base64.RawURLEncoding.EncodeToString(mac.Sum(nil))',
  }[encoding]
  const newHash = { sha1: 'sha1.New', sha256: 'sha256.New', sha512: 'sha512.New' }[hash] ?? ''
  const imports = [
    !token && '"crypto/hmac"',
    !token && `"crypto/${hash}"`,
    token && '"crypto/subtle"',
    !token && (encoding !== 'hex' || secret === 'whsec' || secret === 'base64') && '"encoding/base64"',
    !token && (encoding === 'hex' || secret === 'hex') && '"encoding/hex"',
    '"net/http"',
    time && '"strconv"',
    (separator || (!token && secret === 'whsec')) && '"strings"',
    time && '"time"',
  ].filter((one) => typeof one === 'string')
  const compare = (one: string) =>
    token
      ? `subtle.ConstantTimeCompare([]byte(${one}), []byte(expected)) == 1`
      : `hmac.Equal([]byte(${one}), []byte(expected))`
  return lines(
    'package webhooks',
    '',
    'import (',
    ...imports.map((one) => `\t${one}`),
    ')',
    '',
    '// Verify takes the body as it came: read it whole before anything decodes it.',
    'func Verify(headers http.Header, rawBody []byte, secret string) bool {',
    `\tgiven := headers.Get(${quoted(header)})`,
    '\tif given == "" {\n\t\treturn false\n\t}',
    ...signedHeaders(pieces).map((name) => `\tif headers.Get(${quoted(name)}) == "" {\n\t\treturn false\n\t}`),
    time &&
      lines(
        `\tsent, err := strconv.ParseInt(headers.Get(${quoted(time)}), 10, 64)`,
        `\tif age := time.Now().Unix() - sent; err != nil || age > ${WINDOW_S} || age < -${WINDOW_S} {\n\t\treturn false\n\t}`,
      ),
    token
      ? lines(
          '\tif secret == "" {\n\t\treturn false\n\t}',
          `\texpected := ${prefix ? `${quoted(prefix)} + ` : ''}secret`,
        )
      : lines(
          decode
            ? lines(`\tkey, keyErr := ${decode}`, '\tif keyErr != nil || len(key) == 0 {\n\t\treturn false\n\t}')
            : '\tkey := []byte(secret)\n\tif len(key) == 0 {\n\t\treturn false\n\t}',
          `\tmac := hmac.New(${newHash}, key)`,
          ...pieces.map((one) =>
            one === 'body'
              ? '\tmac.Write(rawBody)'
              : `\tmac.Write([]byte(${'text' in one ? quoted(one.text) : `headers.Get(${quoted(one.header)})`}))`,
          ),
          `\texpected := ${prefix ? `${quoted(prefix)} + ` : ''}${encoded}`,
        ),
    separator
      ? `\tfor _, one := range strings.Split(given, ${quoted(separator)}) {\n\t\tif ${compare('one')} {\n\t\t\treturn true\n\t\t}\n\t}\n\treturn false`
      : `\treturn ${compare('given')}`,
    '}',
  )
}
