package tasks

import (
	"slices"
	"strconv"
	"strings"
)

// variable is the name of the environment variable that an axis sets: BROWSER for browser.
func variable(axis string) string {
	return strings.ToUpper(strings.ReplaceAll(axis, "-", "_"))
}

// reserved reports whether a variable decides what a process loads or runs, or is one of ours: neither an axis nor a
// secret may set it. People make names by accident as well as by malice; the check is the same.
func reserved(name string) bool {
	name = strings.ToUpper(name)
	for _, prefix := range []string{"LD_", "DYLD_", "CYBORG_", "GIT_", "BASH_", "PYTHON", "PERL", "RUBY", "NODE_", "SSH_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return slices.Contains([]string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "IFS", "ENV", "PWD", "OLDPWD", "TMPDIR",
		"TEST_OS", "PS4", "SHELLOPTS", "BASHOPTS", "CDPATH", "LANG", "LC_ALL", "TERM", "TZ", "MAIL", "HOSTNAME",
		"GOFLAGS", "GOPROXY", "MAKEFLAGS", "GITHUB_TOKEN", "CI"}, name)
}

// Environment is what a task finds in its environment beside the few variables of its place (PATH, HOME, …), as
// NAME=value, sorted; the bot's own environment is never passed on. Artifacts is the folder for files worth keeping, as
// the task sees it. A variable without a value is left out: CYBORG_PULL or CYBORG_ISSUE, not both.
func Environment(j Job, artifacts string) []string {
	var vars []string
	set := func(name, value string) {
		if value != "" && !strings.ContainsRune(value, 0) {
			vars = append(vars, name+"="+value)
		}
	}
	setNumber := func(name string, n int) {
		if n > 0 {
			set(name, strconv.Itoa(n))
		}
	}
	set("CYBORG_TASK", j.Task)
	set("CYBORG_CONTEXT", j.Context)
	set("CYBORG_REPO", j.Repo)
	set("CYBORG_SHA", j.SHA)
	set("CYBORG_BASE", j.BaseSHA)
	setNumber("CYBORG_PULL", j.Pull)
	if j.Pull == 0 {
		setNumber("CYBORG_ISSUE", j.Issue)
	}
	set("CYBORG_ARTIFACTS", artifacts)
	setNumber("CYBORG_ATTEMPT", max(j.Attempt, 1))
	for _, v := range j.Axes {
		switch {
		case v.Axis == imageAxis:
			set("CYBORG_IMAGE", v.Value)
			set("TEST_OS", v.Value)
		case !reserved(variable(v.Axis)):
			set(variable(v.Axis), v.Value)
		}
	}
	slices.Sort(vars)
	return vars
}
