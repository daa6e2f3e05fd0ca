package claim

import (
	"context"
	"slices"

	"github.com/cyborg-bots/cyborg/claim/hub"
)

// GitHub cannot be asked to change an issue only if it is still as it was read. What somebody writes between the last look of a bot
// and its last word would be lost, so the bot looks afterwards what there was right before its own change, in the log of titles and
// in the history of the text, and puts back what it has written over. During a claim that is not needed for titles: the next change
// puts them right, see humanPart.

// An overwriting is a bot's last word on an issue: what it knew, and what it wrote.
type overwriting struct {
	mark    Mark
	issue   hub.Issue
	renames []rename
	edit    hub.IssueEdit
}

// spare puts back what people wrote right before an overwriting. It looks at once, and again when all replicas know.
func (b *IssueBoard) spare(ctx context.Context, repo hub.Repo, s Subject, o overwriting) {
	for try := range 2 {
		if try > 0 && rest(ctx, b.policy.Settle) != nil {
			return
		}
		edit, err := b.lost(ctx, repo, s, o)
		if err == nil && edit != (hub.IssueEdit{}) {
			_, err = b.hub.EditIssue(ctx, repo, s.Issue, edit)
		}
		if err != nil {
			b.policy.Log.Warn("look for what people wrote meanwhile", "subject", s.String(), "error", err)
		} else if edit != (hub.IssueEdit{}) {
			return
		}
	}
}

// lost is the change that puts back what an overwriting has taken from people; the zero value if that is nothing, or somebody has
// changed it since.
func (b *IssueBoard) lost(ctx context.Context, repo hub.Repo, s Subject, o overwriting) (edit hub.IssueEdit, err error) {
	renames, _, err := b.renames(ctx, s)
	if err != nil {
		return edit, err
	}
	ours := slices.IndexFunc(renames, func(r rename) bool {
		return r.to == *o.edit.Title && !slices.ContainsFunc(o.renames, func(known rename) bool { return known.mark.ID == r.mark.ID })
	})
	if ours == len(renames)-1 && ours > 0 {
		if human := humanPart(renames[:ours], ""); human != *o.edit.Title && human != "" {
			edit.Title = &human
		}
	}
	if o.edit.Body == nil {
		return edit, nil
	}
	texts, err := b.hub.Texts(ctx, repo, s.Issue)
	if err != nil || len(texts) < 2 || texts[0].Text != *o.edit.Body || texts[1].Text == "" || texts[1].Text == o.issue.Body {
		return edit, err
	}
	body, complete := b.tick(texts[1].Text, s.Item, o.mark.State == "success")
	edit.Body = &body
	if o.edit.State != nil && !complete {
		edit.State = new("open") // there is more to do by now
	}
	return edit, nil
}
