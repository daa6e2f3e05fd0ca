package agent

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyborg-bots/cyborg/claim/hub"
)

// TestConcerned: the pull request of a new disk asks for what runs in it, and any other for all.
func TestConcerned(t *testing.T) {
	v := view{
		Repo:    hub.Repo{Owner: "acme", Name: "widget"},
		Trusted: map[string]bool{"ada": true, "cyborg": true},
		Catalogue: catalogue(t, map[string]string{
			"verify": "on: pull request\nimage: debian debian-12.5 fedora\nin: vm\n",
			"ring":   "on: pull request\nimage: fedora\nin: vm\nmachines: server=debian peer\n",
			"lint":   "on: pull request\nin: host\n",
		}),
	}
	all := []string{"lint", "ring/fedora", "verify/debian", "verify/debian-12.5", "verify/fedora"}
	nonce := "k3jq7zt2"
	for _, row := range []struct {
		name, author, repo, branch string
		says                       string // there is a status of this context
		want                       []string
	}{
		{"a change", "ada", "acme/widget", "topic", "", all},
		{"a new disk", "ada", "cyborg/widget", "image-refresh-debian-" + nonce, "", []string{"ring/fedora", "verify/debian"}},
		{"made in the repository", "ada", "acme/widget", "image-refresh-fedora-" + nonce, "", []string{"ring/fedora", "verify/fedora"}},
		{"a name with other signs", "ada", "cyborg/widget", "image-refresh-debian-12-5-" + nonce, "", []string{"verify/debian-12.5"}},
		{"somebody asks for more", "ada", "cyborg/widget", "image-refresh-debian-" + nonce, "lint", []string{"lint", "ring/fedora", "verify/debian"}},
		{"nothing runs in it", "ada", "cyborg/widget", "image-refresh-arch-" + nonce, "", all},
		{"a stranger's branch", "mallory", "mallory/widget", "image-refresh-debian-" + nonce, "", all},
		{"a stranger's fork", "ada", "mallory/widget", "image-refresh-debian-" + nonce, "", all},
		{"no nonce", "ada", "cyborg/widget", "image-refresh-debian-", "", all},
	} {
		p := open(1)
		p.Author, p.HeadRepo, p.HeadRef = row.author, row.repo, row.branch
		if row.says != "" {
			p.Contexts = []hub.Status{{State: "pending", Context: row.says, Description: "Not yet tested", CreatedAt: at}}
		}
		var got []string
		for _, c := range v.concerned(p) {
			got = append(got, c.Name)
		}
		slices.Sort(got)
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.name, diff)
		}
	}
}
