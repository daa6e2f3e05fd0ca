//go:build docker

package dock

import (
	"strings"
	"testing"
	"time"

	"github.com/cyborg-bots/cyborg/claim"
)

const slowTask = `#!/bin/sh
# slow: take a while
# on: pull request
# in: host
# timeout: 2 minutes
echo begun
sleep 5
`

// TestDrain: a bot that has no more than the manifests of container/deploy give it does a job; asked to stop meanwhile, it ends
// the job first, and says its result. Another one, which has no time, gives the job back, and the next bot does it.
func TestDrain(t *testing.T) {
	const repo = "acme/widget"
	d := enter(t, 5*time.Minute, repo, "--no-limits")
	sha := d.open(repo, "slow", slowTask, 1)[0]
	state := func() claim.Verdict {
		return claim.Decide(d.marks(repo, sha)["slow"], time.Now(), claim.DefaultPolicy())
	}
	flags := []string{"--poll", "1s", "--settle", "1s", "--lease", "10m"}
	hasty := d.confined("hasty", repo, append(flags, "--drain", "0s")...)
	d.until("the hasty bot works", func() bool { return strings.Contains(d.logs(hasty), "msg=claimed") })
	d.docker("stop", "--time", "60", hasty)
	if v := state(); v.State != claim.Free {
		t.Errorf("a bot without time leaves the job %s, want it given back", v.State)
	}
	patient := d.confined("patient", repo, append(flags, "--drain", "50s")...)
	d.until("the patient bot works", func() bool { return strings.Contains(d.logs(patient), "msg=claimed") })
	d.docker("stop", "--time", "60", patient)
	if v := state(); v.State != claim.Done || v.Result.Name != "patient" {
		t.Errorf("a bot with time leaves the job %s by %q, want done:\n%s", v.State, v.Result.Name, d.logs(patient))
	}
	for _, name := range []string{hasty, patient} {
		if code := d.docker("inspect", "--format", "{{.State.ExitCode}}", name); code != "0" {
			t.Errorf("%s ended with %s, want 0", name, code)
		}
	}
}

// confined starts a bot with the restrictions of compose.yaml.
func (d *dock) confined(name, repo string, flags ...string) string {
	d.t.Helper()
	container := d.name + "-" + name
	d.docker(append([]string{"run", "--detach", "--name", container, "--label", d.name, "--network", d.name,
		"--env", "GITHUB_TOKEN=cyborg-token", "--env", "CYBORG_REPO=" + repo, "--env", "GITHUB_API_URL=http://hub:8080",
		"--read-only", "--tmpfs", "/tmp:exec,mode=1777,size=2g", "--tmpfs", "/var/lib/cyborg:exec,uid=1000,gid=1000,mode=700,size=1g",
		"--tmpfs", "/home/bot:uid=1000,gid=1000,mode=700,size=1g", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true",
		"--pids-limit", "1000", "--memory", "4g", "--cpus", "2", image, "run", "--name", name}, flags...)...)
	d.bots = append(d.bots, container)
	return container
}
