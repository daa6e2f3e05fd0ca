package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-github/v57/github"
)

// Statuses reads a commit's log of statuses, newest first. now is GitHub's time when the reading began, so that all that was accepted
// well before it is in the list.
//
// Known is the highest id that the caller has dealt with, 0 for none: reading ends once an id at or below it was met that is some minutes
// old, so that no lower one can still turn up; else the list is whole. It may hold more than asked for; what this client read before, it remembers and adds. The list never has a hole, also when it
// grew while it was read: each page overlaps the one before. A list without a record that was seen before, or posted by this client, is
// from a replica that lags; it is read again a few times, and then there is a *StaleError, and the list is what was known before, on which
// nothing may be decided. After an hour of that it is what was known that is forgotten: GitHub must have deleted it.
func (c *Client) Statuses(ctx context.Context, repo Repo, sha string, known int64) (list []Status, now time.Time, err error) {
	if err := checkCommit(repo, sha); err != nil {
		return nil, time.Time{}, fmt.Errorf("list statuses: %w", err)
	}
	key := repo.String() + "@" + sha
	for try := 0; ; try++ {
		list, now, err = c.readStatuses(ctx, repo, sha, key, known)
		_, stale := errors.AsType[*StaleError](err)
		if !stale || try >= len(rereads) && !c.logs.of(key).forgets() {
			break
		}
		if e := pause(ctx, rereads[min(try, len(rereads)-1)]); e != nil {
			err = fmt.Errorf("%w (%w)", err, e)
			break
		}
	}
	if err != nil {
		err = fmt.Errorf("list statuses of %s: %w", key, err)
	}
	return list, now, err
}

// readStatuses makes one pass from the newest page on.
func (c *Client) readStatuses(ctx context.Context, repo Repo, sha, key string, known int64) ([]Status, time.Time, error) {
	log := c.logs.of(key)
	before := log.view()
	var now time.Time
	var got []Status
	for covered, w := 0, firstWindow; ; w = nextWindow(covered) {
		page, date, more, err := c.statusPage(ctx, repo, sha, w)
		if err != nil {
			return nil, now, err
		}
		if now.IsZero() {
			now = date
			if newest := newestID(page); newest < before.highest() {
				return before.stale(key, before.highest(), now)
			}
		}
		if covered > 0 && !overlaps(got, page) {
			return before.stale(key, oldestID(got), now)
		}
		got = mergeStatuses(got, page)
		covered = w.end()
		joined := joins(got, before.list, now)
		if more && !joined && !reaches(got, known, now) {
			continue
		}
		if id := before.missing(got); id != 0 {
			return before.stale(key, id, now)
		}
		if more && !joined {
			return got, now, nil
		}
		return log.keep(got, before.list), now, nil // the whole log
	}
}

// stale is the answer when what came lacks what was known: that, and an error with the id that shows it.
func (v view) stale(key string, id int64, now time.Time) ([]Status, time.Time, error) {
	return slices.Clone(v.list), now, &StaleError{Subject: key, Seen: fmt.Sprintf("status %d", id), Got: "a list without it"}
}

// A restStatus is what is read of a status. go-github's type has a hundred members more, most of them of its creator, and
// to read them all took a third of the time that a claim costs us.
type restStatus struct {
	ID                          int64
	State, Context, Description string
	TargetURL                   string    `json:"target_url"`
	CreatedAt                   time.Time `json:"created_at"`
	Creator                     struct{ Login string }
}

// statusPage reads one window of the list.
func (c *Client) statusPage(ctx context.Context, repo Repo, sha string, w window) (list []Status, date time.Time, more bool, err error) {
	page, call, resp, err := read(ctx, func(ctx context.Context) ([]*restStatus, *github.Response, error) {
		path := fmt.Sprintf("repos/%s/%s/commits/%s/statuses?page=%d&per_page=%d", repo.Owner, repo.Name, sha, w.page, w.size)
		req, err := c.gh.NewRequest(http.MethodGet, path, nil)
		if err != nil {
			return nil, nil, err
		}
		resp, err := c.gh.BareDo(ctx, req)
		if err != nil {
			return nil, resp, err
		}
		var page []*restStatus
		err = decode(resp, &page)
		return page, resp, err
	})
	if err != nil {
		return nil, time.Time{}, false, err
	}
	list = make([]Status, 0, len(page))
	for _, s := range page {
		if s != nil && s.ID != 0 {
			list = append(list, Status{
				ID: s.ID, State: s.State, Context: s.Context, Description: s.Description,
				TargetURL: s.TargetURL, Creator: s.Creator.Login, CreatedAt: s.CreatedAt.UTC(),
			})
		}
	}
	return list, call.date(), hasMore(resp.Header, w.page, len(page), w.size), nil
}

// decode reads an answer's body, which is in memory already.
func decode(resp *github.Response, into any) error {
	defer resp.Body.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

// PostStatus appends a record to a commit's log and gives it as GitHub took it, with its id and time. ID, Creator and CreatedAt of s
// are not used. The description may have 140 characters; more is refused before it is sent, as cutting could take off what a reader
// needs. errors.Is(err, ErrStatusLimit) is final for this commit and context.
func (c *Client) PostStatus(ctx context.Context, repo Repo, sha string, s Status) (Status, error) {
	fail := func(err error) (Status, error) {
		return Status{}, fmt.Errorf("post status %q on %s@%s: %w", cut(s.Context, 100), repo, cut(sha, 64), err)
	}
	if err := checkCommit(repo, sha); err != nil {
		return fail(err)
	}
	if n := len([]rune(s.Description)); n > longestDescription {
		return fail(fmt.Errorf("the description has %d characters, github takes %d", n, longestDescription))
	}
	out, err := write(ctx, func(ctx context.Context) (*github.RepoStatus, *github.Response, error) {
		in := &github.RepoStatus{State: &s.State, Context: &s.Context, Description: &s.Description}
		if s.TargetURL != "" {
			in.TargetURL = &s.TargetURL
		}
		return c.gh.Repositories.CreateStatus(ctx, repo.Owner, repo.Name, sha, in)
	})
	if err != nil {
		return fail(err)
	}
	done := statusOfREST(out)
	if done.ID == 0 || !strings.EqualFold(done.Context, s.Context) || done.State != s.State {
		return fail(unasked(http.MethodPost, "statuses", "status %d, %q %q", done.ID, cut(done.Context, 100), cut(done.State, 20)))
	}
	c.logs.of(repo.String() + "@" + sha).post(done.ID)
	return done, nil
}

const longestDescription = 140

func checkCommit(repo Repo, sha string) error {
	if err := repo.check(); err != nil {
		return err
	}
	if !validSHA(sha) {
		return fmt.Errorf("%q is no full commit id", cut(sha, 64))
	}
	return nil
}

func statusOfREST(s *github.RepoStatus) Status {
	return Status{
		ID: s.GetID(), State: s.GetState(), Context: s.GetContext(), Description: s.GetDescription(),
		TargetURL: s.GetTargetURL(), Creator: s.GetCreator().GetLogin(), CreatedAt: s.GetCreatedAt().Time.UTC(),
	}
}
