require "openssl"

# headers: with lower-case names. raw_body: the bytes as they came.
def verify(headers, raw_body, secret)
  given = headers["x-lok-signature"]
  return false unless given.is_a?(String)
  key = secret
  return false if key.empty?
  mac = OpenSSL::HMAC.digest("sha256", key, raw_body.b)
  expected = mac.unpack1("H*")
  candidates = [given]
  candidates.any? { |one| one.bytesize == expected.bytesize && OpenSSL.fixed_length_secure_compare(one, expected) }
end
