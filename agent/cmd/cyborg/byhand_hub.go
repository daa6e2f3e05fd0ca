package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/cyborg-bots/cyborg/agent/checkout"
	"github.com/cyborg-bots/cyborg/claim/hub"
)

// fromHub takes the head of a pull request, or a commit, and the task as the default branch teaches it.
func (h *byHand) fromHub(ctx context.Context, state string) error {
	if h.line.Repo != "" {
		h.flags.repos = listFlag{h.line.Repo}
	}
	repos, err := h.flags.repositories()
	if err != nil {
		return err
	}
	client, err := h.flags.client(state, nil)
	if err != nil {
		return err
	}
	repository, err := client.Repository(ctx, repos[0])
	if err != nil {
		return infra(fmt.Errorf("find repository %s: %w", repos[0], err))
	}
	h.job.Repo = repos[0].String()
	if err := h.subject(ctx, client, repos[0]); err != nil {
		return err
	}
	h.mirror, err = checkout.Open(checkout.Options{Dir: filepath.Join(state, "git"), URL: repository.CloneURL, Token: client.Token, Log: h.flags.logger()})
	if err != nil {
		return infra(err)
	}
	have, err := h.mirror.Fetch(ctx, "refs/heads/"+repository.DefaultBranch)
	if err != nil {
		return infra(err)
	}
	catalogue, err := h.work.Catalogue(ctx, repos[0], have["refs/heads/"+repository.DefaultBranch])
	if err != nil {
		return infra(err)
	}
	return h.find(catalogue, nil)
}

// subject fills in which commit the job is about, and what it would be merged into.
func (h *byHand) subject(ctx context.Context, client *hub.Client, repo hub.Repo) error {
	if h.line.Pull == 0 {
		h.job.SHA = h.line.SHA
		return nil
	}
	pull, err := client.Pull(ctx, repo, h.line.Pull)
	if errors.Is(err, hub.ErrGone) {
		return usageError("%s: there is no pull request %s#%d", h.line.Task, repo, h.line.Pull)
	}
	if err != nil {
		return infra(err)
	}
	if !strings.EqualFold(pull.HeadRepo, repo.String()) {
		fmt.Fprintf(h.env.Stderr, "cyborg: this is code of @%s, and it runs with your rights\n", pull.Author)
	}
	h.job.SHA, h.job.HeadRef, h.job.BaseRef = pull.HeadSHA, pull.HeadRef, pull.BaseRef
	return nil
}
