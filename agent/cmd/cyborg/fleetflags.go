package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cyborg-bots/cyborg/claim/hub"
	"github.com/cyborg-bots/cyborg/publish"
)

// hubFlags say which GitHub, which repositories, and who asks. They are the same for every command that reads GitHub.
type hubFlags struct {
	repos   listFlag
	api     string
	state   string
	verbose bool
	unpaced bool // write as fast as it goes: nothing is written in the end
	env     *environment
}

// register adds the flags; what they leave open comes from the environment when it is needed.
func (f *hubFlags) register(fs *flag.FlagSet, env *environment) {
	f.env = env
	fs.Var(&f.repos, "repo", "serve `OWNER/NAME`; may be given again (default $CYBORG_REPO, names separated by blanks)")
	fs.StringVar(&f.api, "api", "", "`URL` of GitHub's API (default $GITHUB_API_URL, or https://api.github.com)")
	fs.StringVar(&f.state, "state", "", "keep caches and the journal of claims in `DIR`; it may be shared by several bots\n"+
		"(default $CYBORG_STATE, or cyborg in the user's cache folder)")
	fs.BoolVar(&f.verbose, "verbose", false, "log what is decided, not only what is done")
}

// repositories lists what is served.
func (f *hubFlags) repositories() ([]hub.Repo, error) {
	names := []string(f.repos)
	if len(names) == 0 {
		names = strings.Fields(f.env.Getenv("CYBORG_REPO"))
	}
	if len(names) == 0 {
		return nil, &exitError{Code: exitUsage, Err: errors.New("no repository named"),
			Hint: "give --repo OWNER/NAME, or set CYBORG_REPO"}
	}
	var list []hub.Repo
	for _, n := range names {
		r, err := hub.ParseRepo(n)
		if err != nil {
			return nil, &exitError{Code: exitUsage, Err: err, Hint: "write a repository as OWNER/NAME"}
		}
		list = append(list, r)
	}
	return list, nil
}

// stateDir is where this machine's bots keep what they know; it is made.
func (f *hubFlags) stateDir() (string, error) {
	dir := f.state
	if dir == "" {
		dir = f.env.Getenv("CYBORG_STATE")
	}
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", &exitError{Code: exitUsage, Err: fmt.Errorf("find a folder for the state: %w", err),
				Hint: "give --state DIR, or set CYBORG_STATE"}
		}
		dir = filepath.Join(cache, "cyborg")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the state folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", &exitError{Code: exitInfra, Err: fmt.Errorf("make the state folder: %w", err),
			Hint: "give --state DIR with a folder that " + userName() + " may write to"}
	}
	return dir, nil
}

func userName() string { return "user " + strconv.Itoa(os.Getuid()) }

// client connects to GitHub: with $GITHUB_TOKEN, or as an App with $CYBORG_APP_ID, $CYBORG_APP_INSTALLATION and
// $CYBORG_APP_KEY_FILE.
func (f *hubFlags) client(state string, journal func(hub.Write)) (*hub.Client, error) {
	o := hub.Options{URL: f.api, Dir: filepath.Join(state, "etags"), Log: f.logger(), Journal: journal, Version: buildVersion()}
	if f.unpaced {
		o.WriteEvery = -1
	}
	if o.URL == "" {
		o.URL = f.env.Getenv("GITHUB_API_URL")
	}
	app, err := f.app()
	if err != nil {
		return nil, err
	}
	o.App = app
	if app == nil {
		token, err := f.secret("GITHUB_TOKEN")
		if err != nil {
			return nil, err
		}
		if token == "" {
			return nil, &exitError{Code: exitUsage, Err: errors.New("no credentials for GitHub"),
				Hint: "set GITHUB_TOKEN (or GITHUB_TOKEN_FILE), or CYBORG_APP_ID, CYBORG_APP_INSTALLATION and CYBORG_APP_KEY_FILE"}
		}
		o.Token = hub.Secret(token)
	}
	c, err := hub.New(o)
	if err != nil {
		return nil, &exitError{Code: exitUsage, Err: err}
	}
	return c, nil
}

// app reads the settings of a GitHub App; nil when there are none.
func (f *hubFlags) app() (*hub.App, error) {
	id, installation := f.env.Getenv("CYBORG_APP_ID"), f.env.Getenv("CYBORG_APP_INSTALLATION")
	if id == "" && installation == "" {
		return nil, nil
	}
	app := new(hub.App)
	for _, v := range []struct {
		name, text string
		to         *int64
	}{{"CYBORG_APP_ID", id, &app.ID}, {"CYBORG_APP_INSTALLATION", installation, &app.Installation}} {
		n, err := strconv.ParseInt(v.text, 10, 64)
		if err != nil || n <= 0 {
			return nil, &exitError{Code: exitUsage, Err: fmt.Errorf("read %s %q: not a number", v.name, v.text),
				Hint: "an App needs CYBORG_APP_ID and CYBORG_APP_INSTALLATION, the numbers on its settings pages"}
		}
		*v.to = n
	}
	key, err := f.secret("CYBORG_APP_KEY")
	if err != nil {
		return nil, err
	}
	if key == "" {
		return nil, &exitError{Code: exitUsage, Err: errors.New("no private key for the App"),
			Hint: "set CYBORG_APP_KEY_FILE to the PEM file that GitHub gave you"}
	}
	app.Key = hub.Secret(key)
	return app, nil
}

// secret reads a secret from the environment, or from the file that NAME_FILE names, as container platforms hand them.
func (f *hubFlags) secret(name string) (string, error) {
	if v := f.env.Getenv(name); v != "" {
		return v, nil
	}
	file := f.env.Getenv(name + "_FILE")
	if file == "" {
		return "", nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", &exitError{Code: exitUsage, Err: fmt.Errorf("read %s_FILE: %w", name, err)}
	}
	return strings.TrimSpace(string(data)), nil
}

// redactor finds what this process was given and nobody may read in a log. Tokens of an App's installation are not among
// it: they last an hour, and are in no environment and no file that a job could read.
func (f *hubFlags) redactor() (*publish.Redactor, error) {
	var secrets []publish.Secret
	for _, name := range []string{"GITHUB_TOKEN", "CYBORG_APP_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		value, err := f.secret(name)
		if err != nil {
			return nil, err
		}
		if value != "" {
			secrets = append(secrets, publish.Secret{Name: name, Value: value})
		}
	}
	if shared, err := f.sharedKeys(); err == nil { // whether or not they are used: jobs on this machine could read them
		for _, s := range []publish.Secret{shared.Secret, shared.Session} {
			if s.Value != "" {
				secrets = append(secrets, s)
			}
		}
	}
	handed, err := f.handed()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(handed)) {
		secrets = append(secrets, publish.Secret{Name: name, Value: handed[name]})
	}
	r, short := publish.NewRedactor(secrets...)
	if len(short) > 0 {
		return nil, &exitError{Code: exitUsage, Err: fmt.Errorf("read %s: too short for a secret", strings.Join(short, " and ")),
			Hint: "a secret has at least 6 characters, or hiding it would blacken harmless text in every log"}
	}
	return r, nil
}

// logger is the bot's own log: lines of text on standard error.
func (f *hubFlags) logger() *slog.Logger {
	level := slog.LevelInfo
	if f.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(f.env.Stderr, &slog.HandlerOptions{Level: level}))
}

// listFlag is a flag that may be given several times.
type listFlag []string

// String prints the values as they were given.
func (l *listFlag) String() string { return strings.Join(*l, " ") }

// Set adds a value.
func (l *listFlag) Set(v string) error {
	*l = append(*l, v)
	return nil
}
