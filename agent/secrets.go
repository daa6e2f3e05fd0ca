package agent

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/cyborg-bots/cyborg/container"
	"github.com/cyborg-bots/cyborg/publish"
	"github.com/cyborg-bots/cyborg/tasks"
)

// A task gets the secrets that its header on the protected branch names, each as a file of its own in a folder which goes with
// the job: the variable NAME_FILE says where the secret NAME is. They are in no environment and in no argument, where other
// processes and careless programs look first, and logs do not show them (see publish.Redactor), which is the second line.
//
// They are only for code that is on a branch of the repository. The head of a pull request gets none, whoever it is from.

// hand writes the secrets of a task for one job and gives the variables that name them. An outcome ends the job here.
func (w *Workshop) hand(env *Env, job tasks.Job) (vars []string, refused *Outcome) {
	if len(env.Task.Secrets) == 0 {
		return nil, nil
	}
	if job.Pull != 0 || env.Outsider {
		fmt.Fprintf(env.Output, "cyborg: %s names secrets, which the head of a pull request is not given\n", env.Task.Path)
		return nil, &Outcome{State: publish.StateFailure, Text: "No secrets for the head of a pull request"}
	}
	folder := filepath.Join(env.Dir, secretsDir)
	if err := os.Mkdir(folder, 0o700); err != nil {
		o := trouble("make the folder of secrets", err)
		return nil, &o
	}
	for _, name := range env.Task.Secrets {
		value, ok := w.Secrets[name]
		if !ok {
			o := trouble("run "+job.Task, fmt.Errorf("this bot has no secret %s", name))
			return nil, &o
		}
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(value), 0o400); err != nil {
			o := trouble("write a secret", err)
			return nil, &o
		}
		vars = append(vars, name+"_FILE="+file)
	}
	return vars, nil
}

// secretsDir is where a job's secrets are, beside its work tree.
const secretsDir = "secrets"

// fitting refuses a place in which code of an outsider would not be held back. The queue has none such: this is the last door.
func fitting(env *Env) error {
	if env.Outsider && env.Place != tasks.InVM && env.Place != tasks.InContainer && !env.Task.Builtin() {
		return fmt.Errorf("code of somebody without write access runs in a vm or a container only, not %q", env.Place)
	}
	return nil
}

// network is what a job may reach: what its header says, and for code of an outsider nothing unless it says so.
func network(env *Env) []string {
	if env.Outsider && len(env.Task.Network) == 0 {
		return []string{container.NoNetwork}
	}
	return env.Task.Network
}
