package fakehub

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// maxAssertion is how far in the future an App's own token may end.
const maxAssertion = 10 * time.Minute

// clockTolerance is how far the clocks of GitHub and an App may differ.
const clockTolerance = time.Minute

// authenticateApp checks an App's own JSON web token: signed by its key with
// RS256, not from the future, not expired, for ten minutes at most.
func (s *Server) authenticateApp(jwt string, now time.Time) (actor, bool) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return actor{}, false
	}
	var header struct {
		Alg string `json:"alg"`
	}
	var claims struct {
		Issuer  json.RawMessage `json:"iss"`
		Issued  int64           `json:"iat"`
		Expires int64           `json:"exp"`
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err = errors.Join(err, decodePart(parts[0], &header), decodePart(parts[1], &claims)); err != nil || header.Alg != "RS256" {
		return actor{}, false
	}
	id, err := strconv.ParseInt(strings.Trim(string(claims.Issuer), `"`), 10, 64)
	a := s.apps[id]
	if err != nil || a == nil {
		return actor{}, false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(a.key, crypto.SHA256, sum[:], signature) != nil {
		return actor{}, false
	}
	issued, expires := time.Unix(claims.Issued, 0), time.Unix(claims.Expires, 0)
	if issued.After(now.Add(clockTolerance)) || !expires.After(now) || expires.After(now.Add(maxAssertion+clockTolerance)) {
		return actor{}, false
	}
	return actor{app: a}, true
}

func decodePart(part string, v any) error {
	raw, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err //nolint:wrapcheck // only whether it fails matters
	}
	return json.Unmarshal(raw, v) //nolint:wrapcheck // only whether it fails matters
}
