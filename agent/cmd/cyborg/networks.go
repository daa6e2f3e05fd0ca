package main

import (
	"fmt"
	"net"
	"strings"

	"github.com/cyborg-bots/cyborg/tasks"
)

// networks reads $CYBORG_NETWORKS: words NAME=HOST:PORT, the networks that this machine is in as headers name them
// (needs: network=lab), each with something that only answers in there.
func (f *hubFlags) networks() (map[string]string, error) {
	list := map[string]string{}
	for _, word := range strings.Fields(f.env.Getenv("CYBORG_NETWORKS")) {
		name, address, _ := strings.Cut(word, "=")
		_, err := tasks.ParseCapability("network=" + name)
		if err == nil {
			_, _, err = net.SplitHostPort(address)
		}
		if err == nil && list[name] != "" {
			err = fmt.Errorf("%s is named twice", name)
		}
		if err != nil {
			return nil, &exitError{Code: exitUsage, Err: fmt.Errorf("read CYBORG_NETWORKS: %s: %w", word, err),
				Hint: "write NAME=HOST:PORT, with something that answers in that network only: lab=wiki.lab.example:443"}
		}
		list[name] = address
	}
	return list, nil
}
