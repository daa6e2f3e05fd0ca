package place

import (
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/container"
)

// TestHostsRefused: a job that was promised some hosts is refused before anything starts; one that may reach nothing is not.
func TestHostsRefused(t *testing.T) {
	p := New(Options{})
	result, err := p.Run(t.Context(), container.Spec{Name: "verify", Image: "busybox", Network: []string{"example.com", "*.debian.org"}})
	if err != nil || result.Code != 127 || !strings.Contains(result.Refused, "it may reach example.com *.debian.org, and a virtual machine reaches nothing") {
		t.Errorf("got %+v, %v", result, err)
	}
	result, err = p.Run(t.Context(), container.Spec{Name: "verify", Network: []string{container.NoNetwork}})
	if err != nil || strings.Contains(result.Refused, "reach") {
		t.Errorf("a job without network: %+v, %v", result, err)
	}
}
