package place

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/container/gate"
)

// TestConnected: each machine of a job that may reach anything has a cable to a gate, and none of a job that may not.
func TestConnected(t *testing.T) {
	for name, test := range map[string]struct {
		network []string
		images  []string // of the machines beside the job's own
		mac     string
	}{
		"the Internet": {nil, nil, gate.GuestMAC},
		"hosts":        {[]string{"example.com"}, nil, gate.GuestMAC},
		"several":      {[]string{"example.com"}, []string{"other"}, gate.GuestMAC},
		"none":         {[]string{container.NoNetwork}, nil, ""},
		"none of all":  {[]string{container.NoNetwork}, []string{"other"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHall(t)
			h.fake.Mute = true
			s, _ := beside(t, test.images...)
			s.Network = test.network
			ctx, cancel := context.WithCancelCause(t.Context())
			enough := errors.New("they have begun")
			go func() {
				tick := time.NewTicker(time.Millisecond)
				defer tick.Stop()
				for len(h.fake.Started()) < 1+len(test.images) && t.Context().Err() == nil {
					<-tick.C
				}
				cancel(enough)
			}()
			if _, err := h.Run(ctx, s); !errors.Is(err, enough) {
				t.Errorf("got %v", err)
			}
			for _, d := range h.fake.Started() {
				if d.CableMAC != test.mac || (d.Cable == "") != (test.mac == "") || d.Open {
					t.Errorf("a machine has the cable %q of %q; open: %v", d.Cable, d.CableMAC, d.Open)
				}
			}
			h.empty(t)
		})
	}
}
