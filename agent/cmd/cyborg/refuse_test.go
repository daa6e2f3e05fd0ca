package main

import (
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/tasks"
)

func TestRefuse(t *testing.T) {
	any := func() *sandboxes { return &sandboxes{bubble: &container.Bubble{}} }
	none := func() *sandboxes { return &sandboxes{named: true} }
	for _, test := range []struct {
		name     string
		boxes    *sandboxes
		has      string // capability
		mounted  string
		uid      int
		scopes   string
		may      string
		risk     riskFlags
		want     string
		override string
	}{
		{name: "an ordinary user", boxes: any(), uid: 1000, may: "write", scopes: "repo"},
		{name: "root without a sandbox", boxes: any(), want: "as root without a sandbox", override: "--sandbox none"},
		{name: "root, and a person knows", boxes: none()},
		{name: "root with a sandbox", boxes: any(), has: "sandbox"},
		{name: "root with machines", boxes: any(), has: "vm"},
		{name: "a socket", boxes: any(), uid: 1000, mounted: "/run/docker.sock", want: "/run/docker.sock in this container", override: "--allow-engine-socket"},
		{name: "a socket, allowed", boxes: any(), uid: 1000, mounted: "/run/docker.sock", risk: riskFlags{socket: true}},
		{name: "another mount", boxes: any(), uid: 1000, mounted: "/state"},
		{name: "a broad token", boxes: any(), uid: 1000, may: "write", scopes: "repo, admin:org, delete_repo", want: "admin:org, delete_repo", override: "--allow-broad-token"},
		{name: "an admin's token", boxes: any(), uid: 1000, may: "admin", scopes: "repo", want: "an admin of acme/widget", override: "--allow-broad-token"},
		{name: "an admin's token, allowed", boxes: any(), uid: 1000, may: "admin", scopes: "repo", risk: riskFlags{token: true}},
		{name: "an admin's fine-grained token", boxes: any(), uid: 1000, may: "admin"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &bot{flags: &runFlags{risk: test.risk}, boxes: test.boxes, user: hub.User{Login: "cyborg", Scopes: test.scopes},
				names: map[string]hub.Repository{"acme/widget": {Permission: test.may}}}
			if test.has != "" {
				b.has = tasks.Capabilities{{Name: test.has}}
			}
			err := b.refuse(test.uid, func(name string) bool { return name == test.mounted })
			if test.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			if _, hint := explain(err); !strings.Contains(hint, test.override) {
				t.Errorf("hint %q does not name %s", hint, test.override)
			}
		})
	}
}
