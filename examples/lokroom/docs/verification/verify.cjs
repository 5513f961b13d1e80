const crypto = require('node:crypto')

// headers: with lower-case names. rawBody: the bytes as they came, before anything parses them.
function verify(headers, rawBody, secret) {
  const given = headers["x-lok-signature"]
  if (typeof given !== 'string') return false
  const key = Buffer.from(secret, 'utf8')
  if (key.length === 0) return false
  const mac = crypto
    .createHmac("sha256", key)
    .update(rawBody)
    .digest("hex")
  const expected = Buffer.from(mac)
  const same = (text) => {
    const bytes = Buffer.from(text)
    return bytes.length === expected.length && crypto.timingSafeEqual(bytes, expected)
  }
  return same(given)
}

module.exports = { verify }
