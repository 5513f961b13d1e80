import base64
import hashlib
import hmac
import re
import time


def verify(headers, raw_body: bytes, secret: str) -> bool:
    """headers: with lower-case names. raw_body: the bytes as they came."""
    given = headers.get("x-lok-signature")
    if not isinstance(given, str):
        return False
    key = secret.encode("utf-8")
    if not key:
        return False
    mac = hmac.new(key, raw_body, hashlib.sha256)
    expected = mac.hexdigest()
    candidates = [given]
    return any([hmac.compare_digest(one.encode("utf-8"), expected.encode("utf-8")) for one in candidates])
