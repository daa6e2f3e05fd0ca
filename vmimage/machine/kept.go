package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// keptName is the file that makes a machine outlive its starter: all that is needed to enter it.
const keptName = "machine.json"

// An Info is a machine as people see it in a list.
type Info struct {
	Name    string    `json:"name"`
	Image   string    `json:"image"`
	User    string    `json:"user"`
	Port    int       `json:"port"` // of 127.0.0.1, for ssh
	Key     []byte    `json:"key"`  // PEM
	Memory  int64     `json:"memory"`
	Started time.Time `json:"started"`
	Expires time.Time `json:"expires"`
}

// keep makes the machine outlive this program.
func (m *Machine) keep() error {
	data, err := json.Marshal(Info{
		Name: m.name, Image: m.image.Name, User: m.image.user(), Port: m.port, Key: m.key.private, Memory: m.memory,
		Started: m.started, Expires: m.expiry,
	})
	if err != nil {
		return err
	}
	file := filepath.Join(m.dir, keptName)
	if err := os.WriteFile(file+".new", data, 0o600); err != nil {
		return err
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	err = m.lock.Close()
	m.lock = nil
	return err
}

// List lists the machines that people keep on this host, oldest first. Those of bots belong to their jobs and are not
// in it.
func (p *Pool) List() ([]Info, error) {
	names, err := p.names()
	if err != nil {
		return nil, fmt.Errorf("list machines: %w", err)
	}
	var list []Info
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if info, err := p.info(name); err == nil {
			list = append(list, info)
		}
	}
	slices.SortStableFunc(list, func(a, b Info) int { return a.Started.Compare(b.Started) })
	return list, nil
}

func (p *Pool) info(name string) (Info, error) {
	data, err := os.ReadFile(filepath.Join(p.o.Dir, name, keptName))
	if err != nil {
		return Info{}, err
	}
	var info Info
	if err := json.Unmarshal(data, &info); err != nil || info.Name != name {
		return Info{}, errors.Join(fmt.Errorf("read %s of machine %s: it is damaged", keptName, name), err)
	}
	return info, nil
}

// ErrNotFound is a machine that is not kept here.
var ErrNotFound = errors.New("there is no such machine here")

// Find gives the machine that a person means: its name, the end of its name, or its image if only one of that is kept.
func (p *Pool) Find(name string) (Info, error) {
	list, err := p.List()
	if err != nil {
		return Info{}, err
	}
	var found []Info
	for _, i := range list {
		if i.Name == name {
			return i, nil
		}
		if i.Image == name || strings.HasSuffix(i.Name, "-"+name) {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 0:
		return Info{}, fmt.Errorf("find machine %s: %w", name, ErrNotFound)
	case 1:
		return found[0], nil
	}
	return Info{}, fmt.Errorf("find machine %s: %d machines are meant by that; use one's name: %s, …", name, len(found), found[0].Name)
}

// Attach enters a kept machine. Closing what it returns ends the machine; Leave does not.
func (p *Pool) Attach(ctx context.Context, info Info, patience time.Duration) (*Machine, error) {
	k, err := parseKey(info.Key)
	if err != nil {
		return nil, err
	}
	m := &Machine{
		pool: p, base: context.WithoutCancel(ctx), name: info.Name, dir: filepath.Join(p.o.Dir, info.Name), kept: true, up: true,
		image: Image{Name: info.Image, User: info.User}, key: k, port: info.Port, memory: info.Memory, started: info.Started, expiry: info.Expires,
	}
	if err := m.wait(ctx, orDefault(patience, DefaultBoot)); err != nil {
		return nil, err
	}
	return m, nil
}

// Leave ends the connection to a machine and lets it run on.
func (m *Machine) Leave() error { return m.client.Close() }

// Remove ends a kept machine whether it answers or not.
func (p *Pool) Remove(ctx context.Context, info Info) error {
	if err := p.o.Driver.Stop(ctx, info.Name); err != nil {
		return fmt.Errorf("stop machine %s: %w", info.Name, err)
	}
	return removeFiles(filepath.Join(p.o.Dir, info.Name), nil)
}

// DirOf is a machine's folder, which goes with it.
func (p *Pool) DirOf(info Info) string { return filepath.Join(p.o.Dir, info.Name) }
