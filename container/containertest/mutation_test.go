package containertest

import (
	"testing"

	"github.com/cyborg-bots/cyborg/selftest/mutant"
)

// mutant of one file, in the way of the table.
func without(safeguard, file, from, to, tests string) mutant.Mutant {
	return withoutAll(safeguard, tests, mutant.Edit{File: "container/" + file, From: from, To: to})
}

// withoutAll is without for what several layers hold.
func withoutAll(safeguard, tests string, edits ...mutant.Edit) mutant.Mutant {
	return mutant.Mutant{Safeguard: safeguard, Edits: edits, Tags: "engines", Packages: []string{"container/containertest"}, Tests: tests}
}

const (
	promises = "TestPlaces/bubblewrap/"
	escapes  = "TestEscape/bubblewrap/jobs/"
	docker   = "TestEngines/docker/"
)

// mutants are the safeguards of sandboxes, one switched off at a time. Left out is what would let a job of the tests do harm to
// the machine: without its own numbers of processes "kill everybody" would mean it.
func mutants() []mutant.Mutant {
	return append([]mutant.Mutant{
		without("no network", "furnish.go", `"--unshare-net", `, ``, promises+"no_network"),
		without("own messages and shared memory", "furnish.go", `"--unshare-ipc", `, ``, promises+"own_namespaces"),
		without("the filter of system calls", "furnish.go", `"--seccomp", bubbleRules, `, ``, escapes+"(namespaces|system_calls_of_the_mighty|raw_sockets)"),
		without("no keys of the kernel", "seccomp.go", `unix.SYS_KEYCTL, `, ``, escapes+"system_calls_of_the_mighty"),
		without("no namespaces", "seccomp.go", `unix.SYS_UNSHARE, `, ``, escapes+"namespaces"),
		without("no namespaces by clone", "seccomp.go", `f.when(unix.BPF_JSET, namespaceFlags, 1)`, `f.when(unix.BPF_JSET, 0, 1)`, escapes+"namespaces_by_clone"),
		without("only ordinary sockets", "seccomp.go", `unix.AF_INET6, unix.AF_NETLINK}`, `unix.AF_INET6, unix.AF_NETLINK, unix.AF_ALG, unix.AF_VSOCK}`, escapes+"raw_sockets"),
		without("no capabilities later", "confine.go", `_ = unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)`, ``, promises+"no_capabilities"),
		without("the root is read-only", "furnish.go", `"--remount-ro", "/dev", "--remount-ro", "/"`, `"--remount-ro", "/dev"`, promises+"root_is_read-only"),
		without("an environment of its own", "cell.go", `Env: environ(own, j.spec.Env),`, `Env: environ(os.Environ(), own, j.spec.Env),`, promises+"environment"),
		without("memory", "group.go", `[]setting{{"memory.limit_in_bytes", bytes, false}, {"memory.memsw.limit_in_bytes", bytes, true}}`, `nil`, promises+"memory_of_many"),
		without("disk", "usage.go", `return sum + unlinked(u.family())`, `return sum`, promises+"too_much_in_a_file_without_a_name"),
		without("temporary files are bounded", "furnish.go", `"--perms", "1777", "--size", size, "--tmpfs", "/tmp",`, `"--perms", "1777", "--tmpfs", "/tmp",`, promises+"temporary_files_are_bounded"),
		withoutAll("processes", promises+"too_many_processes",
			mutant.Edit{File: "container/group.go", From: `[]setting{{"pids.max", strconv.Itoa(l.Processes), false}}`, To: `nil`},
			mutant.Edit{File: "container/cell.go", From: `l > 0 && j.user != 0`, To: `l < 0`}),
		without("no private networks", "gate/rules.go", `case slices.ContainsFunc(closed(), in):`, `case false:`, promises+"network/not_the_networks_around_it"),
		without("no network of this machine", "gate/rules.go", `case slices.ContainsFunc(g.o.Own(), in):`, `case false:`, promises+"network/not_the_networks_around_it"),
		without("no mail", "gate/rules.go", `case to.Port() == mail:`, `case false:`, promises+"network/not_the_networks_around_it"),
		without("only hosts that are named", "gate/rules.go", `if len(g.o.Hosts) > 0 && !told[every] && !told[to.Port()] {`, `if told == nil && false {`, promises+"network/hosts_only"),
	}, ofDocker()...)
}

// ofDocker are those of the engines' command line that no other layer holds.
func ofDocker() []mutant.Mutant {
	return []mutant.Mutant{
		without("docker: no network", "enginejob.go", `"--network", "none", `, ``, docker+"promises/no_network"),
		without("docker: memory", "enginejob.go", `args = append(args, "--memory", m, "--memory-swap", m)`, `_ = m`, docker+"promises/memory_of_many"),
		without("docker: only ordinary sockets", "enginejob.go", `o.Shared, o.Filter = "/tmp", true`, `o.Shared = "/tmp"`, docker+"escape/jobs/raw_sockets"),
		withoutAll("docker: processes", docker+"promises/too_many_processes",
			mutant.Edit{File: "container/enginejob.go", From: `args = append(args, "--pids-limit", strconv.Itoa(l.Processes))`, To: ``},
			mutant.Edit{File: "container/cell.go", From: `l > 0 && j.user != 0`, To: `l < 0`}),
		withoutAll("docker: no capabilities later", docker+"promises/no_capabilities",
			mutant.Edit{File: "container/confine.go", From: `_ = unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0)`, To: ``}),
		withoutAll("docker: no new privileges", docker+"promises/no_capabilities",
			mutant.Edit{File: "container/enginejob.go", From: `"--security-opt", "no-new-privileges", `, To: ``},
			mutant.Edit{File: "container/confine.go", From: `unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)`, To: `error(nil)`},
			mutant.Edit{File: "container/enginejob.go", From: `o.Shared, o.Filter = "/tmp", true`, To: `o.Shared = "/tmp"`}), // the filter wants it
		without("docker: temporary files are bounded", "enginejob.go", `mode=1777,size=" + tmp`, `mode=1777,size=800m"`, docker+"promises/temporary_files_are_bounded"),
	}
}

// TestMutations: each safeguard of the sandboxes switched off makes a test fail; see package mutant.
func TestMutations(t *testing.T) { mutant.Run(t, mutants()) }
