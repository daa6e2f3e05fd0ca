package publish_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/publish"
)

// shows lists context and state of what an index shows.
func shows(t *testing.T, s publish.Store, name string) (list []string) {
	t.Helper()
	for _, a := range readJSON[publish.Listing](t, s, name).Attempts {
		list = append(list, fmt.Sprint(a.Context, " ", a.Pull, " ", a.State))
	}
	return list
}

// An attempt is in the indexes from its beginning, and how it ended; newest first.
func TestIndex(t *testing.T) {
	s := openDir(t)
	var open []*publish.Attempt
	for n, pull := range []int{7, 7, 8} {
		i := info(t)
		i.Context, i.Pull, i.Started, i.Title = fmt.Sprint("verify/", n), pull, i.Started.Add(time.Duration(n)*time.Minute), "<script>alert(1)</script> & "+i.Title
		i.Limits.Flush = time.Millisecond
		a := begin(t, s, i)
		await(t, s, "acme/widget/index.json", fmt.Sprintf(`"context":"verify/%d"`, n))
		open = append(open, a)
	}
	want := []string{"verify/2 8 running", "verify/1 7 running", "verify/0 7 running"}
	if diff := cmp.Diff(want, shows(t, s, "acme/widget/index.json")); diff != "" {
		t.Errorf("while they run (-want +got):\n%s", diff)
	}
	finish(t, open[1], publish.StateFailure, "2 tests failed")
	finish(t, open[2], publish.StateSuccess, "Tests passed")
	want = []string{"verify/2 8 success", "verify/1 7 failure", "verify/0 7 running"} // the last one's bot may be dead
	if diff := cmp.Diff(want, shows(t, s, "acme/widget/index.json")); diff != "" {
		t.Errorf("the repository (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[1:], shows(t, s, "acme/widget/pull-7/index.json")); diff != "" {
		t.Errorf("the pull request (-want +got):\n%s", diff)
	}
	for name, link := range map[string]string{
		"acme/widget/index.html":        `<a href="./../../` + open[1].Prefix() + `/log.html">`,
		"acme/widget/pull-7/index.html": `<a href="./../../../` + open[1].Prefix() + `/log.html">`,
	} {
		page := read(t, s, name)
		if !strings.Contains(page, link) || strings.Contains(page, "<script") {
			t.Errorf("%s: no %s, or a script in\n%s", name, link, page)
		}
	}
	if page := read(t, s, "acme/widget/index.html"); strings.Count(page, "has not ended, its bot is gone") != 1 { // by its clock it began long ago
		t.Errorf("of the one that has not ended:\n%s", page)
	}
	finish(t, open[0], publish.StateSuccess, "")
}

// await waits until an object holds a text.
func await(t *testing.T, s publish.Store, name, text string) {
	t.Helper()
	for {
		if r, err := s.Get(t.Context(), name); err == nil {
			data, _ := io.ReadAll(r)
			r.Close()
			if strings.Contains(string(data), text) {
				return
			}
		}
		if err := pause(t.Context(), 5*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
}

// A private repository's logs are found by those who were told the address.
func TestUnlisted(t *testing.T) {
	s, i := openDir(t), info(t)
	i.Unlisted = true
	a := begin(t, s, i)
	finish(t, a, publish.StateSuccess, "")
	for e, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(e.Name, a.Prefix()+"/") && !strings.HasPrefix(e.Name, "acme/widget/history/") {
			t.Errorf("there is %s", e.Name)
		}
	}
}

// interrupted lets something happen before the first index is written.
type interrupted struct {
	publish.Store
	once sync.Once
	do   func()
}

func (s *interrupted) Put(ctx context.Context, name string, body io.ReadSeeker, meta publish.Meta) error {
	if strings.HasSuffix(name, "/index.json") {
		s.once.Do(s.do)
	}
	return s.Store.Put(ctx, name, body, meta)
}

// Another bot announces its attempt, and writes the index, between this one's
// look and its writing: nobody's news is lost.
func TestIndexRace(t *testing.T) {
	s := openDir(t)
	announce := func(n int) {
		name := fmt.Sprintf("acme/widget/attempts/pull-7/2026013%d-000000-x.json", n)
		line := fmt.Sprintf(`{"version":1,"attempt":"acme/widget/pull-7/v/2026013%d-000000-x","context":"v%d","state":"success"}`, n, n)
		if err := s.Put(t.Context(), name, strings.NewReader(line), publish.Meta{}); err != nil {
			t.Fatal(err)
		}
	}
	write := func(store publish.Store) {
		if err := publish.WriteIndex(t.Context(), store, "acme/widget", ""); err != nil {
			t.Fatal(err)
		}
	}
	announce(0)
	write(&interrupted{Store: s, do: func() { announce(1); write(s) }})
	if diff := cmp.Diff([]string{"v1 0 success", "v0 0 success"}, shows(t, s, "acme/widget/index.json")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Many bots at once: each attempt is in the index in the end.
func TestIndexOfManyBots(t *testing.T) {
	s := openDir(t)
	var wg sync.WaitGroup
	for n := range 12 {
		wg.Go(func() {
			i := info(t)
			i.Context, i.Pull = fmt.Sprint("verify/", n), n%3+1
			a, err := publish.Begin(t.Context(), s, i)
			if err == nil {
				err = a.Finish(t.Context(), publish.Outcome{State: publish.StateSuccess})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := shows(t, s, "acme/widget/index.json"); len(got) != 12 {
		t.Errorf("the repository shows %q", got)
	}
	for n := range 3 {
		if got := shows(t, s, fmt.Sprintf("acme/widget/pull-%d/index.json", n+1)); len(got) != 4 || strings.Contains(fmt.Sprint(got), "running") {
			t.Errorf("pull request %d shows %q", n+1, got)
		}
	}
}
