import { hashOf, lines, quoted, signedHeaders, WINDOW_S, type Writer } from './pieces.ts'

export const java: Writer = (sample) => {
  const { header, prefix, separator, encoding, secret, pieces, time } = sample
  const token = sample.algorithm === 'token'
  const key = {
    text: 'secret.getBytes(StandardCharsets.UTF_8)',
    whsec: 'Base64.getDecoder().decode(secret.startsWith("whsec_") ? secret.substring(6) : secret)',
    base64: 'Base64.getDecoder().decode(secret)',
    hex: 'HexFormat.of().parseHex(secret)',
  }[secret]
  const encoded = {
    hex: 'HexFormat.of().formatHex(mac.doFinal())',
    base64: 'Base64.getEncoder().encodeToString(mac.doFinal())',
    base64url: 'Base64.getUrlEncoder().withoutPadding().encodeToString(mac.doFinal())',
  }[encoding]
  const algorithm = `Hmac${hashOf(sample).toUpperCase()}`
  return lines(
    'import java.nio.charset.StandardCharsets;',
    'import java.security.GeneralSecurityException;',
    'import java.security.MessageDigest;',
    'import java.util.Base64;',
    'import java.util.HexFormat;',
    'import java.util.Map;',
    'import javax.crypto.Mac;',
    'import javax.crypto.spec.SecretKeySpec;',
    '',
    'public final class Webhooks {',
    '    /** headers: with lower-case names. rawBody: the bytes as they came. */',
    '    public static boolean verify(Map<String, String> headers, byte[] rawBody, String secret)',
    '            throws GeneralSecurityException {',
    `        String given = headers.get(${quoted(header)});`,
    '        if (given == null) {\n            return false;\n        }',
    ...signedHeaders(pieces).map(
      (name) => `        if (headers.get(${quoted(name)}) == null) {\n            return false;\n        }`,
    ),
    time &&
      lines(
        `        if (!headers.get(${quoted(time)}).matches("[0-9]{1,15}")) {\n            return false;\n        }`,
        `        long age = System.currentTimeMillis() / 1000 - Long.parseLong(headers.get(${quoted(time)}));`,
        `        if (Math.abs(age) > ${WINDOW_S}) {\n            return false;\n        }`,
      ),
    token
      ? lines(
          '        if (secret == null || secret.isEmpty()) {\n            return false;\n        }',
          `        String expected = ${prefix ? `${quoted(prefix)} + ` : ''}secret;`,
        )
      : lines(
          `        byte[] key = ${key};`,
          '        if (key.length == 0) {\n            return false;\n        }',
          `        Mac mac = Mac.getInstance(${quoted(algorithm)});`,
          `        mac.init(new SecretKeySpec(key, ${quoted(algorithm)}));`,
          ...pieces.map((one) =>
            one === 'body'
              ? '        mac.update(rawBody);'
              : `        mac.update(${'text' in one ? quoted(one.text) : `headers.get(${quoted(one.header)})`}.getBytes(StandardCharsets.UTF_8));`,
          ),
          `        String expected = ${prefix ? `${quoted(prefix)} + ` : ''}${encoded};`,
        ),
    '        byte[] wanted = expected.getBytes(StandardCharsets.UTF_8);',
    separator
      ? lines(
          `        for (String one : given.split(${quoted(separator)})) {`,
          '            if (MessageDigest.isEqual(one.getBytes(StandardCharsets.UTF_8), wanted)) {\n                return true;\n            }',
          '        }',
          '        return false;',
        )
      : '        return MessageDigest.isEqual(given.getBytes(StandardCharsets.UTF_8), wanted);',
    '    }',
    '}',
  )
}
