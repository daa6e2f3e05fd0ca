//go:build !engines

package containertest

// engines are tested by make sandboxes only.
func engines() []Place { return nil }
