package fakehub

import (
	"context"
	"crypto/sha1" // the names of git objects are SHA-1
	"encoding/hex"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// A memoryRepository is a repository of objects in memory: no files and no
// processes, so it works in a synctest bubble, and quickly.
type memoryRepository struct {
	objects map[string]object // shared by all repositories of the server
	names   map[string]string
}

var _ repository = (*memoryRepository)(nil)

// newMemoryRepository makes an empty repository on top of objects, which all
// repositories of a server share: a fork then costs nothing.
func newMemoryRepository(objects map[string]object) *memoryRepository {
	return &memoryRepository{objects: objects, names: map[string]string{}}
}

// oidOf is the name git gives to an object.
func oidOf(o object) string {
	h := sha1.New() // see above
	h.Write([]byte(o.kind + " " + strconv.Itoa(len(o.data)) + "\x00"))
	h.Write(o.data)
	return hex.EncodeToString(h.Sum(nil))
}

func (m *memoryRepository) refs(context.Context) (map[string]string, error) {
	return maps.Clone(m.names), nil
}

func (m *memoryRepository) update(_ context.Context, changes []refChange) error {
	if err := checkChanges(changes); err != nil {
		return err
	}
	for _, c := range changes {
		have := m.names[c.name]
		if have == "" {
			have = zeroOID
		}
		if c.old != "" && c.old != have {
			return &refConflictError{name: c.name, want: c.old, have: have}
		}
		if _, found := m.objects[c.new]; !found && c.new != zeroOID {
			return fmt.Errorf("update %s to %s: %w", c.name, c.new, errNoObject)
		}
		if have == zeroOID {
			if err := m.fits(c.name); err != nil {
				return err
			}
		}
	}
	for _, c := range changes {
		if c.new == zeroOID {
			delete(m.names, c.name)
		} else {
			m.names[c.name] = c.new
		}
	}
	return nil
}

// fits refuses a new name where git could not store it: it keeps references as
// files, so there is no refs/heads/a/b beside refs/heads/a.
func (m *memoryRepository) fits(name string) error {
	for i := range len(name) {
		if name[i] == '/' && m.names[name[:i]] != "" {
			return fmt.Errorf("update %s: %s exists", name, name[:i])
		}
	}
	for other := range m.names {
		if strings.HasPrefix(other, name+"/") {
			return fmt.Errorf("update %s: %s exists", name, other)
		}
	}
	return nil
}

func (m *memoryRepository) read(_ context.Context, oid string) (object, error) {
	o, found := m.objects[oid]
	if !found {
		return object{}, fmt.Errorf("read object %s: %w", oid, errNoObject)
	}
	return o, nil
}

func (m *memoryRepository) write(_ context.Context, o object) (string, error) {
	oid := oidOf(o)
	m.objects[oid] = o
	return oid, nil
}

func (m *memoryRepository) take(_ context.Context, from repository, oid string) error {
	other, ok := from.(*memoryRepository)
	if !ok {
		return fmt.Errorf("take %s: the other repository is not in memory", oid)
	}
	if _, found := other.objects[oid]; !found {
		return fmt.Errorf("take %s: %w", oid, errNoObject)
	}
	return nil // the objects are shared, see newMemoryRepository
}
