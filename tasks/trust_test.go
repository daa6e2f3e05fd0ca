package tasks

import (
	"strings"
	"testing"
)

func TestExcess(t *testing.T) {
	tests := []struct{ name, trusted, proposed, want string }{
		{"the same", "# in: host\n# needs: secret=A network=lab\n# push: head\n", "# in: host\n# needs: secret=A network=lab\n# push: head\n", ""},
		{"new and harmless", "", "# on: pull request\n# image: fedora-42\n# needs: kvm memory=64G\n# timeout: 20h\n# in: vm\n# network: none\n", ""},
		{"less", "# in: host\n# secrets: A\n# push: head\n# network: a.org\n", "# in: vm\n# network: none\n", ""},
		{"a secret", "# secrets: A\n", "# secrets: A B\n", "asks for the secret B"},
		{"a secret it needs", "# secrets: A\n", "# needs: secret=B\n", "asks for the secret B"},
		{"a network", "# needs: network=lab\n", "# needs: network=lab network=core\n", "asks for the network core"},
		{"the host", "# in: vm\n", "# in: host\n", "asks to run on the host"},
		{"the host for a new task", "", "# in: host\n", "asks to run on the host"},
		{"the host by its needs", "", "# needs: host\n", "asks to run on the host"},
		{"one host more", "# network: a.org\n", "# network: a.org b.org\n", "asks to reach b.org"},
		{"any host", "# network: none\n", "", "asks to reach every host"},
		{"to push", "", "# push: head\n", "asks to push onto pull requests"},
		{"all of it", "# network: none\n", "# secrets: A\n# in: host\n# push: head\n",
			"asks for the secret A, asks to run on the host, asks to reach every host, asks to push onto pull requests"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var headers [2]Header
			for i, text := range []string{test.trusted, test.proposed} {
				if i == 0 && text == "" {
					continue // a new task
				}
				h, err := ParseHeader("bots/x", []byte("#!/bin/sh\n# x: do it\n"+text))
				if err != nil {
					t.Fatal(err)
				}
				headers[i] = h
			}
			if got := strings.Join(Excess(&headers[0], &headers[1]), ", "); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
