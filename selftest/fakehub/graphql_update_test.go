package fakehub

import (
	"encoding/base64"
	"strings"
	"testing"
)

const updateRefs = `mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }`

// TestUpdateRefs holds the promises of the one compare-and-swap that GitHub has.
func TestUpdateRefs(t *testing.T) {
	h := newHub(t, Options{})
	next := h.commit("next", "f", "1\n")
	side, err := h.s.Commit(t.Context(), "acme/widget", Commit{Branch: "side", Parent: h.sha, Files: map[string]string{"g": "2\n"}})
	h.must(err)
	id := h.query("bot", `{repository(owner:"acme",name:"widget"){id}}`).str("data.repository.id")
	up := func(name, before, after string, force bool) dict {
		u := dict{"name": name, "afterOid": after, "force": force}
		if before != "" {
			u["beforeOid"] = before
		}
		return u
	}
	const lock = "refs/locks/a"
	for _, c := range []struct {
		name, login string
		updates     []dict
		kind        string            // of the error; "" is success
		refs        map[string]string // afterwards
	}{
		{"a stranger may not", "stranger", []dict{up(lock, zeroOID, h.sha, false)}, "FORBIDDEN", map[string]string{lock: ""}},
		{"a reader may not", "reader", []dict{up(lock, zeroOID, h.sha, false)}, "FORBIDDEN", map[string]string{lock: ""}},
		{"create if absent", "bot", []dict{up(lock, zeroOID, h.sha, false)}, "", map[string]string{lock: h.sha}},
		{"not if present", "bot", []dict{up(lock, zeroOID, next, false)}, "STALE_DATA", map[string]string{lock: h.sha}},
		{"not if another", "bot", []dict{up(lock, next, side, true)}, "STALE_DATA", map[string]string{lock: h.sha}},
		{"forward", "bot", []dict{up(lock, h.sha, next, false)}, "", map[string]string{lock: next}},
		{"not sideways", "bot", []dict{up(lock, next, side, false)}, "UNPROCESSABLE", map[string]string{lock: next}},
		{"sideways by force", "bot", []dict{up(lock, next, side, true)}, "", map[string]string{lock: side}},
		{"whatever it was", "bot", []dict{up(lock, "", next, true)}, "", map[string]string{lock: next}},
		{"all or none", "bot", []dict{up("refs/locks/b", zeroOID, h.sha, false), up(lock, side, h.sha, true)}, "STALE_DATA", map[string]string{lock: next, "refs/locks/b": ""}},
		{"several", "bot", []dict{up("refs/locks/b", zeroOID, h.sha, false), up(lock, next, zeroOID, false)}, "", map[string]string{lock: "", "refs/locks/b": h.sha}},
		{"delete only that", "bot", []dict{up("refs/locks/b", next, zeroOID, false)}, "STALE_DATA", map[string]string{"refs/locks/b": h.sha}},
		{"delete nothing", "bot", []dict{up("refs/locks/none", "", zeroOID, false)}, "UNPROCESSABLE", nil},
		{"no such object", "bot", []dict{up(lock, zeroOID, strings.Repeat("a", 40), false)}, "UNPROCESSABLE", map[string]string{lock: ""}},
		{"bad name", "bot", []dict{up("refs/locks/a..b", zeroOID, h.sha, false)}, "UNPROCESSABLE", nil},
		{"not fully named", "bot", []dict{up("main", zeroOID, h.sha, false)}, "UNPROCESSABLE", nil},
		{"not those of pull requests", "bot", []dict{up("refs/pull/1/head", zeroOID, h.sha, false)}, "UNPROCESSABLE", nil},
		{"twice the same", "bot", []dict{up(lock, zeroOID, h.sha, false), up(lock, zeroOID, next, false)}, "UNPROCESSABLE", map[string]string{lock: ""}},
		{"none", "bot", []dict{}, "UNPROCESSABLE", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.t = t
			r := h.query(c.login, updateRefs, "input", dict{"repositoryId": id, "refUpdates": c.updates, "clientMutationId": "mine"})
			if got := r.str("errors.0.type"); got != c.kind {
				t.Errorf("answer is %s, want %q", r, c.kind)
			}
			if c.kind == "" && r.str("data.updateRefs.clientMutationId") != "mine" {
				t.Errorf("answer is %s", r)
			}
			for name, want := range c.refs {
				if got := h.s.Truth().Ref("acme/widget", name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

// TestUpdateRefsMovesPulls pushes to a pull request's branch by mutation.
func TestUpdateRefsMovesPulls(t *testing.T) {
	h := newHub(t, Options{})
	first := h.commit("topic", "f", "1\n")
	pull := h.openPull("bot", "topic", nil)
	other, err := h.s.Commit(t.Context(), "acme/widget", Commit{Branch: "other", Parent: h.sha, Files: map[string]string{"f": "2\n"}})
	h.must(err)
	id := h.query("bot", `{repository(owner:"acme",name:"widget"){id}}`).str("data.repository.id")
	h.data(h.query("bot", updateRefs, "input", dict{"repositoryId": id, "refUpdates": []dict{
		{"name": "refs/heads/topic", "beforeOid": first, "afterOid": other, "force": true},
	}}))
	if got := h.want(200, "bot", get, pull, nil).str("head.sha"); got != other {
		t.Errorf("head is %s, want %s", got, other)
	}
}

func TestCreateCommitOnBranch(t *testing.T) {
	h := newHub(t, Options{})
	const create = `mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) {
		commit { oid message parents(first: 1) { nodes { oid } } author { user { login } } } ref { name target { oid } } } }`
	input := dict{
		"branch":          dict{"repositoryNameWithOwner": "acme/widget", "branchName": "main"},
		"expectedHeadOid": h.sha, "message": dict{"headline": "po: Update", "body": "why"},
		"fileChanges": dict{
			"additions": []dict{{"path": "po/de.po", "contents": base64.StdEncoding.EncodeToString([]byte("hallo\n"))}},
			"deletions": []dict{{"path": "README"}},
		},
	}
	if r := h.query("reader", create, "input", input); r.str("errors.0.type") != "FORBIDDEN" {
		t.Errorf("a reader commits: %s", r)
	}
	r := h.query("bot", create, "input", input)
	h.data(r)
	oid := r.str("data.createCommitOnBranch.commit.oid")
	if r.str("data.createCommitOnBranch.commit.message") != "po: Update\n\nwhy" || r.str("data.createCommitOnBranch.ref.target.oid") != oid ||
		r.str("data.createCommitOnBranch.commit.parents.nodes.0.oid") != h.sha || r.str("data.createCommitOnBranch.commit.author.user.login") != "bot" {
		t.Errorf("commit is %s", r)
	}
	r = h.query("bot", `{repository(owner:"acme",name:"widget"){object(expression:"main:po/de.po"){...on Blob{text}} gone: object(expression:"main:README"){oid}}}`)
	if r.str("data.repository.object.text") != "hallo\n" || r.get("data.repository.gone") != nil {
		t.Errorf("files are %s", r)
	}
	r = h.query("bot", create, "input", input) // the head is another now
	if r.str("errors.0.type") != "STALE_DATA" || !strings.HasPrefix(r.str("errors.0.message"), `Expected branch to point to "`+h.sha+`" but it did not.`) {
		t.Errorf("a stale commit: %s", r)
	}
}
