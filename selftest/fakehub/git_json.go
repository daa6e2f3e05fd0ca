package fakehub

import (
	"encoding/base64"
	"fmt"
	"net/http"
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

// accepts gives the media type by which the client asked for another form of
// an answer, such as raw: application/vnd.github.raw, …raw+json, …v3.raw. It is
// empty if the client did not.
func (rq *request) accepts(param string) string {
	for part := range strings.SplitSeq(rq.http.Header.Get("Accept"), ",") {
		full, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		name, ours := strings.CutPrefix(full, "application/vnd.github.")
		if ours && strings.TrimSuffix(strings.TrimPrefix(name, "v3."), "+json") == param {
			return full
		}
	}
	return ""
}

// inForm answers bytes in the form that was asked for.
func inForm(media string, data []byte) response {
	return response{status: http.StatusOK, body: data, media: media + "; charset=utf-8"}
}
