package tasks

import (
	"fmt"
	"slices"
)

// Excess lists what a proposed header asks for beyond the one on the protected branch, in words for people; a task that
// is new there is compared with the zero Header. A writer's pull request may try a new or changed header at once if the
// list is empty: it may change what is tested, when and for how long, but it may not give itself secrets, the host, a
// network, or the right to push onto branches of people.
func Excess(trusted, proposed *Header) []string {
	var list []string
	for _, s := range proposed.Secrets {
		if !slices.Contains(trusted.Secrets, s) {
			list = append(list, fmt.Sprintf("asks for the secret %s", s))
		}
	}
	for _, c := range proposed.Needs {
		if (c.Name == "secret" || c.Name == "network") && !slices.Contains(trusted.Needs, c) {
			list = append(list, fmt.Sprintf("asks for the %s %s", c.Name, c.Value))
		}
	}
	host := Capability{Name: string(OnHost)}
	if (proposed.In.Kind == OnHost || slices.Contains(proposed.Needs, host)) &&
		trusted.In.Kind != OnHost && !slices.Contains(trusted.Needs, host) {
		list = append(list, "asks to run on the host")
	}
	if len(trusted.Network) > 0 {
		for _, n := range proposed.Network {
			if n != "none" && !slices.Contains(trusted.Network, n) {
				list = append(list, fmt.Sprintf("asks to reach %s", n))
			}
		}
		if len(proposed.Network) == 0 {
			list = append(list, "asks to reach every host")
		}
	}
	if proposed.Push == "head" && trusted.Push != "head" {
		list = append(list, "asks to push onto pull requests")
	}
	return list
}
