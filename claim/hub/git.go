package hub

import (
	"context"
	"fmt"
	"strings"
)

// Token gives the credential with which git may fetch and push now, as the password beside any user name: the personal token, or
// an installation's that is good for some minutes at least. It is empty where there are no credentials. Hand it to git by
// its environment, never in an argument or an address.
func (c *Client) Token(ctx context.Context) (string, error) {
	value, err := c.who.header(ctx)
	if err != nil {
		return "", fmt.Errorf("get a token for git: %w", err)
	}
	_, token, _ := strings.Cut(value, " ")
	return token, nil
}
