package place

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/container/gate"
	"github.com/cyborg-bots/cyborg/vmimage/machine"
)

// connect makes the cable between a job's machine and a gate that carries what the job may send, if it may send anything. What
// the gate was is taken away by the function that it returns, after the machine.
func (p *Place) connect(ctx context.Context, s container.Spec) (cable *machine.Cable, disconnect func() error) {
	if slices.Contains(s.Network, container.NoNetwork) {
		return nil, func() error { return nil }
	}
	o := p.o.Gate
	o.Hosts, o.Log = s.Network, p.o.Log.With("job", s.Name)
	serving, end := context.WithCancel(context.WithoutCancel(ctx)) // a job that is told to end may still tidy up
	var open []*gate.Gate                                          // the last is the machine's; before it, those of machines that did not come so far
	plug := func(c net.Conn) {
		g, err := gate.Open(serving, gate.Frames(c), o)
		if err != nil {
			o.Log.Warn("the machine's network", "error", err)
			return
		}
		open = append(open, g)
	}
	return &machine.Cable{MAC: gate.GuestMAC, Plug: plug}, func() error {
		end()
		var errs []error
		for _, g := range open { // the machine is gone, so that nobody plugs it in any more
			errs = append(errs, g.Close())
		}
		return errors.Join(errs...)
	}
}

// look waits until a guest has found its network: a way to everywhere, and who answers for names.
const look = `n=0; while [ $n -lt 120 ]; do
	if grep -q '^[^[:space:]]*[[:space:]]00000000[[:space:]]' /proc/net/route && grep -q '^nameserver \(127\.\|` + gate.Server + `$\)' /etc/resolv.conf
	then exit 0; fi
	n=$((n+1)); sleep 1
done; exit 1`

// start starts one of a job's machines and waits until it has what the job may reach: ssh answers as soon as the first of
// its interfaces is up. The function ends the machine's way to the world, after the machine.
func (p *Place) start(ctx context.Context, s container.Spec, spec machine.Spec) (*machine.Machine, func() error, error) {
	cable, disconnect := p.connect(ctx, s)
	spec.Cable = cable
	m, err := p.o.Pool.Start(ctx, spec)
	if err != nil {
		return nil, nil, errors.Join(err, disconnect())
	}
	if cable == nil {
		return m, disconnect, nil
	}
	exit, err := m.Run(ctx, machine.Cmd{Argv: []string{"sh", "-c", look}})
	if err != nil {
		return nil, nil, errors.Join(err, m.Close(), disconnect())
	}
	if exit.Code != 0 {
		fmt.Fprintf(s.Output, "cyborg: the machine of %s has not taken its network; a disk asks by DHCP at every interface for its address and for who answers for names\n", spec.Image.Name)
	}
	return m, disconnect, nil
}
