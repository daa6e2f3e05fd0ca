//go:build engines

package containertest

import "testing"

func TestEscape(t *testing.T) {
	for _, p := range places() {
		if p.Sandbox {
			t.Run(p.Name, func(t *testing.T) { Escape(t, p) })
		}
	}
}
