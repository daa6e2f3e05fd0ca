package fakehub

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// serveAvatar draws the picture of an account: five by five mirrored squares
// out of the hash of its login, as those have who never chose a picture.
func (s *Server) serveAvatar(w http.ResponseWriter, name string) {
	id, _ := strconv.ParseInt(name, 10, 64) // anything else is nobody's picture
	login, bot := "", false
	s.mu.Lock()
	for _, u := range s.users {
		if u.id == id {
			login, bot = u.login, u.kind == "Bot"
		}
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = fmt.Fprint(w, identicon(login, bot))
}

// identicon is the picture of a login; of "" it is a grey one.
func identicon(login string, bot bool) string {
	sum := sha256.Sum256([]byte(strings.ToLower(login)))
	color := fmt.Sprintf("hsl(%d 52%% 52%%)", (int(sum[20])<<8|int(sum[21]))%360)
	if login == "" {
		color = "#9198a1"
	}
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 70 70" width="70" height="70"><rect width="70" height="70" fill="#f0f2f4"/>`)
	fmt.Fprintf(&b, `<g fill="%s">`, color)
	if bot { // a face, so that bots are told from people at a glance
		b.WriteString(`<rect x="14" y="22" width="42" height="32" rx="8"/><path d="M33 12h4v10h-4z"/><circle cx="35" cy="11" r="4"/></g>` +
			`<g fill="#fff"><circle cx="27" cy="36" r="4.5"/><circle cx="43" cy="36" r="4.5"/><rect x="26" y="45" width="18" height="3" rx="1.5"/></g></svg>`)
		return b.String()
	}
	for n := range 15 {
		if sum[n]&1 == 0 && login != "" {
			continue
		}
		x, y := n/5, n%5
		fmt.Fprintf(&b, `<path d="M%d %dh12v12h-12z"/>`, 5+12*(2-x), 5+12*y)
		if x > 0 {
			fmt.Fprintf(&b, `<path d="M%d %dh12v12h-12z"/>`, 5+12*(2+x), 5+12*y)
		}
	}
	b.WriteString(`</g></svg>`)
	return b.String()
}
