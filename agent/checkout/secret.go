package checkout

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// credential returns the settings that make git send the token to the
// repository's own address, and the texts that must not be shown afterwards.
func (m *Mirror) credential(ctx context.Context) ([]setting, []string, error) {
	return m.credentialFor(ctx, m.o.URL)
}

// credentialFor is credential for another repository on the same server.
func (m *Mirror) credentialFor(ctx context.Context, address string) ([]setting, []string, error) {
	if m.o.Token == nil || m.scheme == "file" {
		return nil, nil, nil
	}
	token, err := m.o.Token(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("get token: %w", err)
	}
	if token == "" {
		return nil, nil, nil
	}
	if strings.ContainsAny(token, "\r\n\x00") {
		return nil, nil, fmt.Errorf("%w; hint: it contains a line break or a zero byte", ErrUnauthorized)
	}
	// GitHub takes any user name with a token; this is the one it documents for Apps.
	pair := base64.StdEncoding.EncodeToString([]byte("x-access-token:" + token))
	set := []setting{{"http." + address + ".extraHeader", "Authorization: Basic " + pair}}
	return set, append([]string{pair}, shapes(token)...), nil // the longest first
}

// shapes are the ways in which a secret may stand in a text.
func shapes(secret string) []string {
	quoted, _ := json.Marshal(secret) // a string always marshals
	return []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
	}
}

// censor takes secrets out of a text.
func censor(text string, secrets []string) string {
	for _, secret := range secrets {
		text = strings.ReplaceAll(text, secret, "[secret]")
	}
	return text
}
