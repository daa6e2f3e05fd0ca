//go:build vm

package place_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/vmimage/machine"
	"github.com/cyborg-bots/cyborg/vmimage/machine/libvirt"
	"github.com/cyborg-bots/cyborg/vmimage/machine/machinetest"
	"github.com/cyborg-bots/cyborg/vmimage/machine/place"
)

// childVariable makes this program a bot that does a job in two machines and waits to be killed.
const childVariable = "CYBORG_VM_CHILD"

// strangers is an address that a machine of the child's job has beside its own.
const strangers = "10.111.112.77"

// childTask is that job.
const childTask = `
ssh peer ip address add ` + strangers + `/24 dev eth1 || exit 1
ping -c 1 -W 60 ` + strangers + ` || exit 1
echo "PHASE up"
sleep 100000
`

// child is that bot.
func child() int {
	err := func() error {
		d, err := libvirt.Open(libvirt.Options{})
		if err != nil {
			return err
		}
		pool, err := machine.NewPool(machine.PoolOptions{Dir: filepath.Join(machinetest.Home(), "m"), Driver: d})
		if err != nil {
			return err
		}
		image := machine.Image{Name: "busybox", Disk: os.Getenv("CYBORG_VM_IMAGE")}
		p := place.New(place.Options{
			Pool: pool, Budget: place.NewBudget(place.Share{Memory: 1 << 30, CPUs: 4}), CPUs: 1, Boot: 10 * time.Minute,
			Find: func(context.Context, string) (machine.Image, error) { return image, nil },
		})
		dir, err := os.MkdirTemp("", "child")
		if err != nil {
			return err
		}
		_, err = p.Run(contextOf(), container.Spec{
			Name: "child", Argv: []string{"sh", "-c", childTask}, Dir: dir, Output: os.Stdout, Image: "busybox", Network: []string{container.NoNetwork},
			Machines: []container.Machine{{Name: "peer", Image: "busybox"}}, Limits: container.Limits{Memory: memory},
		})
		return err
	}()
	fmt.Println("the child has ended:", err)
	return 1
}

// startChild starts it and waits until its machines are up.
func startChild(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), childVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		t.Log(lines.Text())
		if lines.Text() == "PHASE up" {
			return cmd
		}
	}
	t.Fatal("the child ended before its machines saw each other")
	return nil
}

// TestVMSeveral: a job finds the machines beside its own under their names, enters them and uses what runs there. It sees
// nothing of another bot's, nor of this host, and each reaches the hosts that the job may reach. One that dies is named.
// With the job, and with a bot that is killed, all go.
func TestVMSeveral(t *testing.T) {
	bot := startChild(t)
	_, connected := connect(t)
	p := newPlace(t, connected)
	port, sprung := machinetest.Trap(t)
	s, out := job(t, fmt.Sprintf(`
echo "beside it: $CYBORG_MACHINES"
ssh server 'mkdir /srv && echo "the text of $(hostname), for $(id -u)" >/srv/index.html && httpd -p 80 -h /srv'
echo "fetched: $(wget -q -O - http://server/)"
ssh server 'wget -q -O - http://web.test/' | sed 's/^/from outside: /'
ssh server 'ping -c 1 -W 60 job >/dev/null && ssh job echo "enters the first"; timeout 5 nc 10.0.2.2 %d </dev/null'
ping -c 2 -W 5 %s >/dev/null && echo "sees a stranger"
: >going
ssh server 'echo going; exec poweroff -f' >going &
until grep -q going going; do sleep 1; done
exit 7
`, port, strangers))
	s.Machines, s.Network = []container.Machine{{Name: "server", Image: "busybox"}}, []string{"web.test"}
	result, err := p.Run(t.Context(), s)
	t.Logf("%s", out)
	if err != nil || result.Code != 7 || result.Died != "" {
		t.Errorf("got %+v, %v", result, err)
	}
	for _, want := range []string{
		"cyborg: 2 machines with 128 MB each came up in ", " job (busybox, 10.111.112.1) server (busybox, 10.111.112.2)\n", "beside it: server\n",
		"fetched: the text of server, for 0\n", "enters the first\n", "from outside: hello from web.test\n",
		"cyborg: the machine server has died: it switched itself off; what was on its console is in console-server.txt\n",
	} {
		if strings.Count(out.String(), want) != 1 {
			t.Errorf("the log has not once %q", want)
		}
	}
	if strings.Contains(out.String(), "sees a stranger") {
		t.Error("it sees a machine of another job")
	}
	if sprung() {
		t.Error("a machine beside the job reached a port of this host's loopback interface")
	}
	for _, file := range []string{place.ConsoleFile, "console-server.txt"} {
		if got := read(t, filepath.Join(s.Writable[0], file)); !strings.Contains(got, "cyborg: ready") {
			t.Errorf("%s has %q", file, got)
		}
	}
	killed(t, p, bot)
}

// killed demands that a living bot's machines and network are left alone, and that a dead one's are taken away.
func killed(t *testing.T, p *place.Place, bot *exec.Cmd) {
	t.Helper()
	for _, left := range []int{6, 0} { // two machines and a network, each with a lock
		if err := p.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if files, _ := filepath.Glob(filepath.Join(machinetest.Home(), "m", "*")); len(files) != left {
			t.Errorf("%d files, want %d: %q", len(files), left, files)
		}
		_ = bot.Process.Kill()
		_ = bot.Wait()
	}
	if left := machinetest.WaitUntilGone(t); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}
