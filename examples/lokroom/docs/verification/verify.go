package webhooks

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
)

// Verify takes the body as it came: read it whole before anything decodes it.
func Verify(headers http.Header, rawBody []byte, secret string) bool {
	given := headers.Get("x-lok-signature")
	if given == "" {
		return false
	}
	key := []byte(secret)
	if len(key) == 0 {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(rawBody)
	expected := hex.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(given), []byte(expected))
}
