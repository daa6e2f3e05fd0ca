package fakehub

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// gitNodeID is the GraphQL name of a git thing, in GitHub's older, readable form.
func gitNodeID(kind string, r *repo, name string) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "0%d:%s%d:%s", len(kind), kind, r.id, name))
}

type jsonPerson struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Date  string `json:"date"`
}

func personJSON(p gitPerson) jsonPerson {
	return jsonPerson{Name: strings.ToValidUTF8(p.Name, "\uFFFD"), Email: strings.ToValidUTF8(p.Email, "\uFFFD"), Date: p.When.UTC().Format(time.RFC3339)}
}

type jsonTreeRef struct {
	SHA string `json:"sha"`
	URL string `json:"url"`
}

func (rq *request) treeRef(sha string) jsonTreeRef {
	return jsonTreeRef{SHA: sha, URL: rq.gitURL("trees/" + sha)}
}

type jsonParent struct {
	SHA  string `json:"sha"`
	URL  string `json:"url"`
	HTML string `json:"html_url"`
}

// parents encodes a commit's parents; below is the address of all commits.
func (rq *request) parents(c gitCommit, below string) []jsonParent {
	list := make([]jsonParent, len(c.Parents))
	for i, sha := range c.Parents {
		list[i] = jsonParent{SHA: sha, URL: below + sha, HTML: rq.site.repoHTML(rq.repo) + "/commit/" + sha}
	}
	return list
}

type jsonVerification struct {
	Verified   bool    `json:"verified"`
	Reason     string  `json:"reason"`
	Signature  *string `json:"signature"`
	Payload    *string `json:"payload"`
	VerifiedAt *string `json:"verified_at"`
}

// verificationOf tells of a signature. The emulator knows nobody's keys, so no
// signature is ever verified here.
func verificationOf(c gitCommit) jsonVerification {
	if c.Signature == "" {
		return jsonVerification{Reason: "unsigned"}
	}
	unsigned := c
	unsigned.Signature = ""
	return jsonVerification{Reason: "unknown_key", Signature: &c.Signature, Payload: new(string(unsigned.raw()))}
}

// accepts reports whether the client asked for a media type of GitHub's with
// this parameter: application/vnd.github.raw, …raw+json, …v3.raw.
func (rq *request) accepts(param string) bool {
	for part := range strings.SplitSeq(rq.http.Header.Get("Accept"), ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		name, ours := strings.CutPrefix(name, "application/vnd.github.")
		name = strings.TrimSuffix(strings.TrimPrefix(name, "v3."), "+json")
		if ours && name == param {
			return true
		}
	}
	return false
}

// mediaOf is the content type that answers accepts(param).
func (rq *request) mediaOf(param string) string {
	return "application/vnd.github." + param + "; charset=utf-8"
}
