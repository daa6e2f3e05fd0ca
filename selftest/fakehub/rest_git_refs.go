package fakehub

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// gitRoutes is the git database: references and objects.
func gitRoutes() []route {
	return slices.Concat(gitRefRoutes(), gitObjectRoutes())
}

// contentsRight is what the routes of git and of files ask for.
func contentsRight(need Permission) right { return right{area: "contents", need: need} }

func gitRefRoutes() []route {
	const root = "/repos/{owner}/{repo}/git/"
	reads, writes := contentsRight(Read), contentsRight(Write)
	return []route{
		{method: get, pattern: root + "ref/{ref...}", handle: getRef, right: reads, scopes: "repo", docs: "git/refs#get-a-reference"},
		{method: get, pattern: root + "matching-refs/{ref...}", handle: matchingRefs, right: reads, scopes: "repo", docs: "git/refs#list-matching-references"},
		{method: get, pattern: root + "matching-refs", handle: matchingRefs, right: reads, scopes: "repo", docs: "git/refs#list-matching-references"},
		{method: get, pattern: root + "refs/{ref...}", handle: listRefs, right: reads, scopes: "repo", docs: "git/refs#get-a-reference"},
		{method: get, pattern: root + "refs", handle: listRefs, right: reads, scopes: "repo", docs: "git/refs#list-matching-references"},
		{method: post, pattern: root + "refs", handle: createRef, right: writes, scopes: "repo", docs: "git/refs#create-a-reference"},
		{method: patch, pattern: root + "refs/{ref...}", handle: patchRef, right: writes, scopes: "repo", docs: "git/refs#update-a-reference"},
		{method: remove, pattern: root + "refs/{ref...}", handle: deleteRef, right: writes, scopes: "repo", docs: "git/refs#delete-a-reference"},
	}
}

// emptyRepo is what the git database answers as long as nothing was pushed.
func emptyRepo() response { return fail(http.StatusConflict, "Git Repository is empty.") }

// A jsonObject is where a reference or a tag points.
type jsonObject struct {
	SHA  string `json:"sha"`
	Type string `json:"type"`
	URL  string `json:"url"`
}

type jsonRef struct {
	Ref    string     `json:"ref"`
	NodeID string     `json:"node_id"`
	URL    string     `json:"url"`
	Object jsonObject `json:"object"`
}

// ref encodes a reference; the error is that of reading its object.
func (rq *request) ref(name, sha string) (jsonRef, error) {
	kind, err := rq.repo.kindOf(rq.ctx, sha)
	if err != nil {
		return jsonRef{}, err
	}
	return jsonRef{
		Ref: name, NodeID: gitNodeID("Ref", rq.repo, name), URL: rq.gitURL(name),
		Object: jsonObject{SHA: sha, Type: kind, URL: rq.gitURL(kind + "s/" + sha)},
	}, nil
}

// gitURL is the address of a thing of the git database: "refs/heads/main", "commits/SHA".
func (rq *request) gitURL(rest string) string {
	return rq.site.repo(rq.repo) + "/git/" + rest
}

// broken answers for trouble of our own git, and logs it.
func (rq *request) broken(err error) response {
	rq.s.log.ErrorContext(rq.ctx, "git of a repository failed", "repo", rq.repo.fullName(), "path", rq.path, "error", err)
	return fail(http.StatusInternalServerError, "Server Error")
}

func getRef(rq *request) response {
	at := rq.asOf(refDomain)
	if rq.repo.empty(at) {
		return emptyRepo()
	}
	name := "refs/" + rq.param("ref")
	sha := rq.repo.refAt(name, at)
	if sha == "" {
		return notFound()
	}
	ref, err := rq.ref(name, sha)
	if err != nil {
		return rq.broken(err)
	}
	return ok(ref)
}

// refsUnder lists the references whose name begins with prefix, in order.
func (rq *request) refsUnder(prefix string) ([]jsonRef, error) {
	at := rq.asOf(refDomain)
	names := make([]string, 0, len(rq.repo.refs))
	for name := range rq.repo.refs {
		if strings.HasPrefix(name, prefix) && rq.repo.refAt(name, at) != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	list := make([]jsonRef, 0, len(names))
	for _, name := range names {
		ref, err := rq.ref(name, rq.repo.refAt(name, at))
		if err != nil {
			return nil, err
		}
		list = append(list, ref)
	}
	return list, nil
}

func matchingRefs(rq *request) response {
	if rq.repo.empty(rq.asOf(refDomain)) {
		return emptyRepo()
	}
	list, err := rq.refsUnder("refs/" + rq.param("ref"))
	if err != nil {
		return rq.broken(err)
	}
	return ok(list)
}

// listRefs is the older form, which clients still use: one reference where the
// name is whole, all below it where it is the beginning of some.
func listRefs(rq *request) response {
	if rq.repo.empty(rq.asOf(refDomain)) {
		return emptyRepo()
	}
	prefix := "refs/" + rq.param("ref")
	list, err := rq.refsUnder(prefix)
	if err != nil {
		return rq.broken(err)
	}
	if rq.param("ref") != "" {
		if i := slices.IndexFunc(list, func(r jsonRef) bool { return r.Ref == prefix }); i >= 0 {
			return ok(list[i])
		}
	}
	if len(list) == 0 {
		return notFound()
	}
	res := ok(list)
	res.pollInterval, res.lastModified = 300, rq.repo.pushed
	return res
}

func createRef(rq *request) response {
	var in struct {
		Ref *string `json:"ref"`
		SHA *string `json:"sha"`
	}
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if no := missing(given{"ref", in.Ref != nil}, given{"sha", in.SHA != nil}); no != nil {
		return *no
	}
	if rq.repo.empty(rq.now) {
		return emptyRepo()
	}
	if no := rq.refName(*in.Ref); no != nil {
		return *no
	}
	if no := rq.refTarget(*in.SHA, *in.Ref); no != nil {
		return *no
	}
	if rq.repo.refAt(*in.Ref, rq.now) != "" {
		return unprocessable("Reference already exists")
	}
	change := refChange{name: *in.Ref, old: zeroOID, new: *in.SHA}
	if no := rq.moveRef(change, "Reference already exists"); no != nil {
		return *no
	}
	ref, err := rq.ref(*in.Ref, *in.SHA)
	if err != nil {
		return rq.broken(err)
	}
	return created(ref, ref.URL)
}

// refName refuses names of references in GitHub's words.
func (rq *request) refName(name string) *response {
	no := unprocessable("")
	switch err := checkRefName(name); {
	case strings.Count(name, "/") < 2:
		no = unprocessable("Reference name must contain at least three slash-separated components.")
	case err != nil:
		no = unprocessable(name + " is not a valid ref name.")
	case strings.HasPrefix(name, "refs/pull/"):
		no = unprocessable("Reference update failed")
	default:
		return nil
	}
	return &no
}

// refTarget refuses what a reference cannot point at.
func (rq *request) refTarget(sha, name string) *response {
	if !isSHA(sha) {
		return new(unprocessable("The sha parameter must be exactly 40 characters and contain only [0-9a-f]."))
	}
	kind, err := rq.repo.kindOf(rq.ctx, sha)
	switch {
	case err != nil:
		return new(rq.broken(err))
	case kind == "":
		return new(unprocessable("Object does not exist"))
	case kind != "commit" && strings.HasPrefix(name, "refs/heads/"):
		return new(unprocessable("Reference update failed")) // a branch is of commits
	}
	return nil
}

// moveRef changes one reference; clash is the text for one that is not as the
// change expects it.
func (rq *request) moveRef(change refChange, clash string) *response {
	err := rq.s.updateRefs(rq.ctx, rq.now, rq.repo, rq.actor.user, []refChange{change})
	if _, other := errors.AsType[*refConflictError](err); other {
		return new(unprocessable(clash))
	}
	if err != nil {
		// Such as refs/heads/a beside refs/heads/a/b, which git cannot store.
		rq.s.log.InfoContext(rq.ctx, "reference refused", "repo", rq.repo.fullName(), "ref", change.name, "error", err)
		return new(unprocessable("Reference update failed"))
	}
	return nil
}

func patchRef(rq *request) response {
	var in struct {
		SHA   *string `json:"sha"`
		Force bool    `json:"force"`
	}
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if no := missing(given{"sha", in.SHA != nil}); no != nil {
		return *no
	}
	if rq.repo.empty(rq.now) {
		return emptyRepo()
	}
	name := "refs/" + rq.param("ref")
	was := rq.repo.refAt(name, rq.now)
	if was == "" {
		return unprocessable("Reference does not exist")
	}
	if no := rq.refName(name); no != nil {
		return *no
	}
	if no := rq.refTarget(*in.SHA, name); no != nil {
		return *no
	}
	change := refChange{name: name, new: *in.SHA} // with force it is unconditional
	if !in.Force {
		change.old = was
		forward, err := forwards(rq.ctx, rq.repo, was, *in.SHA)
		if err != nil {
			return rq.broken(err)
		}
		if !forward {
			return unprocessable("Update is not a fast forward")
		}
	}
	if no := rq.moveRef(change, "Reference update failed"); no != nil {
		return *no
	}
	ref, err := rq.ref(name, *in.SHA)
	if err != nil {
		return rq.broken(err)
	}
	return ok(ref)
}

// forwards reports whether a move from one object to another loses nothing.
// Objects other than commits never follow each other.
func forwards(ctx context.Context, r *repo, from, to string) (bool, error) {
	if from == to {
		return true, nil
	}
	for _, sha := range []string{from, to} {
		if kind, err := r.kindOf(ctx, sha); err != nil || kind != "commit" {
			return false, err
		}
	}
	return reaches(ctx, r.git, to, from)
}

func deleteRef(rq *request) response {
	if rq.repo.empty(rq.now) {
		return emptyRepo()
	}
	name := "refs/" + rq.param("ref")
	was := rq.repo.refAt(name, rq.now)
	if was == "" {
		return unprocessable("Reference does not exist")
	}
	if name == "refs/heads/"+rq.repo.defaultBranch {
		return unprocessable("Cannot delete the default branch")
	}
	if no := rq.refName(name); no != nil {
		return *no
	}
	if no := rq.moveRef(refChange{name: name, new: zeroOID}, "Reference does not exist"); no != nil {
		return *no
	}
	return noContent()
}

// A given is a field of a request and whether it was sent.
type given struct {
	name string
	is   bool
}

// missing names the fields that were not sent, in GitHub's words; nil if none.
func missing(fields ...given) *response {
	var names []string
	for _, f := range fields {
		if !f.is {
			names = append(names, `"`+f.name+`"`)
		}
	}
	switch len(names) {
	case 0:
		return nil
	case 1:
		return new(unprocessable("Invalid request.\n\n" + names[0] + " wasn't supplied."))
	}
	return new(unprocessable("Invalid request.\n\n" + strings.Join(names, ", ") + " weren't supplied."))
}
