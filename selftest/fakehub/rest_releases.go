package fakehub

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const releaseDocs = "releases/releases#"

func releaseRoutes() []route {
	const root = "/repos/{owner}/{repo}/releases"
	reads, writes := contentsRight(Read), contentsRight(Write)
	return []route{
		{method: get, pattern: root, handle: listReleases, right: reads, docs: releaseDocs + "list-releases"},
		{method: post, pattern: root, handle: createRelease, right: writes, scopes: "repo", content: true, docs: releaseDocs + "create-a-release"},
		{method: get, pattern: root + "/latest", handle: latestRelease, right: reads, docs: releaseDocs + "get-the-latest-release"},
		{method: get, pattern: root + "/tags/{tag...}", handle: releaseByTag, right: reads, docs: releaseDocs + "get-a-release-by-tag-name"},
		{method: get, pattern: root + "/{release_id}", handle: getRelease, right: reads, docs: releaseDocs + "get-a-release"},
		{method: patch, pattern: root + "/{release_id}", handle: editRelease, right: writes, scopes: "repo", docs: releaseDocs + "update-a-release"},
		{method: remove, pattern: root + "/{release_id}", handle: deleteRelease, right: writes, scopes: "repo", docs: releaseDocs + "delete-a-release"},
		{method: get, pattern: root + "/{release_id}/assets", handle: listAssets, right: reads, docs: "releases/assets#list-release-assets"},
		{
			method: post, pattern: root + "/{release_id}/assets", handle: uploadAsset, right: writes, scopes: "repo",
			docs: "releases/assets#upload-a-release-asset",
		},
		{method: get, pattern: root + "/assets/{asset_id}", handle: getAsset, right: reads, docs: "releases/assets#get-a-release-asset"},
		{method: remove, pattern: root + "/assets/{asset_id}", handle: deleteAsset, right: writes, scopes: "repo", docs: "releases/assets#delete-a-release-asset"},
	}
}

type jsonRelease struct {
	URL        string       `json:"url"`
	AssetsURL  string       `json:"assets_url"`
	UploadURL  string       `json:"upload_url"`
	HTMLURL    string       `json:"html_url"`
	ID         int64        `json:"id"`
	Author     any          `json:"author"`
	NodeID     string       `json:"node_id"`
	TagName    string       `json:"tag_name"`
	Target     string       `json:"target_commitish"`
	Name       *string      `json:"name"`
	Draft      bool         `json:"draft"`
	Prerelease bool         `json:"prerelease"`
	CreatedAt  time.Time    `json:"created_at"`
	Published  *time.Time   `json:"published_at"`
	Assets     []*jsonAsset `json:"assets"`
	TarballURL *string      `json:"tarball_url"`
	ZipballURL *string      `json:"zipball_url"`
	Body       *string      `json:"body"`
}

// release encodes a release. A draft has no tag yet, and so no archives.
func (rq *request) release(l *release) *jsonRelease {
	root := rq.site.repo(rq.repo)
	id := strconv.FormatInt(l.id, 10)
	j := &jsonRelease{
		URL: root + "/releases/" + id, AssetsURL: root + "/releases/" + id + "/assets",
		UploadURL: rq.site.upload + "/repos/" + rq.repo.fullName() + "/releases/" + id + "/assets{?name,label}",
		HTMLURL:   rq.site.repoHTML(rq.repo) + "/releases/tag/" + l.tag,
		ID:        l.id, Author: rq.user(l.author), NodeID: nodeID("Release", l.id), TagName: l.tag, Target: l.target,
		Name: l.name, Draft: l.draft, Prerelease: l.prerelease, CreatedAt: jsonTime(l.created),
		Published: timeOrNull(l.published), Assets: []*jsonAsset{}, Body: l.body,
	}
	if l.draft {
		j.HTMLURL = rq.site.repoHTML(rq.repo) + "/releases/tag/untagged-" + strconv.FormatInt(l.id, 16)
	} else {
		j.TarballURL = new(root + "/tarball/" + l.tag)
		j.ZipballURL = new(root + "/zipball/" + l.tag)
	}
	for _, a := range l.assets {
		j.Assets = append(j.Assets, rq.asset(l, a))
	}
	return j
}

// visibleReleases are the newest first; drafts only for those who may push.
func (rq *request) visibleReleases() []*release {
	pushes := rq.s.allowed(rq.actor, rq.repo, contentsRight(Write), true) == nil
	var list []*release
	for _, l := range slices.Backward(rq.repo.releases) {
		if pushes || !l.draft {
			list = append(list, l)
		}
	}
	return list
}

func listReleases(rq *request) response {
	return listed(rq, rq.visibleReleases(), func(l *release) any { return rq.release(l) })
}

func latestRelease(rq *request) response {
	for _, l := range rq.visibleReleases() {
		if !l.draft && !l.prerelease {
			return ok(rq.release(l))
		}
	}
	return notFound()
}

// releaseByTag never finds a draft, as its tag is only a plan.
func releaseByTag(rq *request) response {
	for _, l := range rq.visibleReleases() {
		if !l.draft && l.tag == rq.param("tag") {
			return ok(rq.release(l))
		}
	}
	return notFound()
}

// findRelease is the release of the path, nil if the actor may not see it.
func (rq *request) findRelease() *release {
	for _, l := range rq.visibleReleases() {
		if l.id == rq.number("release_id") {
			return l
		}
	}
	return nil
}

func getRelease(rq *request) response {
	if l := rq.findRelease(); l != nil {
		return ok(rq.release(l))
	}
	return notFound()
}

func deleteRelease(rq *request) response {
	l := rq.findRelease()
	if l == nil {
		return notFound()
	}
	rq.repo.releases = slices.DeleteFunc(rq.repo.releases, func(o *release) bool { return o == l })
	return noContent()
}

// A releaseInput is the body of making and editing a release.
type releaseInput struct {
	TagName    *string `json:"tag_name"`
	Target     *string `json:"target_commitish"`
	Name       *string `json:"name"`
	Body       *string `json:"body"`
	Draft      *bool   `json:"draft"`
	Prerelease *bool   `json:"prerelease"`
}

func createRelease(rq *request) response {
	var in releaseInput
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if in.TagName == nil || *in.TagName == "" {
		return rq.invalid(fieldError{Resource: "Release", Code: "missing_field", Field: "tag_name"})
	}
	if rq.repo.empty(rq.now) {
		return rq.invalid(custom("Release", "", "Repository is empty."))
	}
	l := &release{author: rq.actor.user, target: rq.repo.defaultBranch, draft: true, created: rq.s.stamp(rq.now)}
	if no := rq.applyRelease(l, in, in.Draft == nil || !*in.Draft); no != nil {
		return *no
	}
	l.id = rq.s.nextID()
	rq.repo.releases = append(rq.repo.releases, l)
	j := rq.release(l)
	return created(j, j.URL)
}

func editRelease(rq *request) response {
	l := rq.findRelease()
	if l == nil {
		return notFound()
	}
	var in releaseInput
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if no := rq.applyRelease(l, in, !l.draft || in.Draft != nil && !*in.Draft); no != nil {
		return *no
	}
	return ok(rq.release(l))
}

// applyRelease changes l as in says, all or nothing, and publishes it if asked:
// then its tag must be free of other releases, and is made if it is not there.
func (rq *request) applyRelease(l *release, in releaseInput, publish bool) *response {
	next := *l
	set(&next.tag, in.TagName)
	set(&next.target, in.Target)
	set(&next.prerelease, in.Prerelease)
	if in.Name != nil {
		next.name = in.Name
	}
	if in.Body != nil {
		next.body = in.Body
	}
	next.draft = !publish
	if publish {
		if no := rq.tagRelease(l, &next); no != nil {
			return no
		}
		if next.published.IsZero() {
			next.published = rq.s.stamp(rq.now)
		}
	}
	*l = next
	return nil
}

// tagRelease makes sure that the tag of a release to be published exists.
func (rq *request) tagRelease(old, next *release) *response {
	for _, other := range rq.repo.releases {
		if other != old && !other.draft && other.tag == next.tag {
			r := rq.invalid(fieldError{Resource: "Release", Code: "already_exists", Field: "tag_name"})
			return &r
		}
	}
	name := "refs/tags/" + next.tag
	if rq.repo.refAt(name, rq.now) != "" {
		return nil
	}
	if checkRefName(name) != nil {
		r := rq.invalid(fieldError{Resource: "Release", Code: "custom", Field: "tag_name", Message: "tag_name is not a valid tag"})
		return &r
	}
	sha, err := rq.repo.resolve(rq.ctx, next.target, rq.now)
	if err != nil {
		r := rq.invalid(fieldError{Resource: "Release", Code: "invalid", Field: "target_commitish"})
		return &r
	}
	if err := rq.s.updateRefs(rq.ctx, rq.now, rq.repo, rq.actor.user, []refChange{{name: name, old: zeroOID, new: sha}}); err != nil {
		r := rq.broken(err)
		return &r
	}
	return nil
}

// set takes a value over if there is one.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

type jsonAsset struct {
	URL         string    `json:"url"`
	ID          int64     `json:"id"`
	NodeID      string    `json:"node_id"`
	Name        string    `json:"name"`
	Label       *string   `json:"label"`
	Uploader    any       `json:"uploader"`
	ContentType string    `json:"content_type"`
	State       string    `json:"state"`
	Size        int       `json:"size"`
	Digest      *string   `json:"digest"`
	Downloads   int       `json:"download_count"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	DownloadURL string    `json:"browser_download_url"`
}

func (rq *request) asset(l *release, a *asset) *jsonAsset {
	return &jsonAsset{
		URL: rq.site.repo(rq.repo) + "/releases/assets/" + strconv.FormatInt(a.id, 10), ID: a.id, NodeID: nodeID("ReleaseAsset", a.id),
		Name: a.name, Label: a.label, Uploader: rq.user(a.uploader), ContentType: a.media, State: "uploaded",
		Size: len(a.data), Digest: new(fmt.Sprintf("sha256:%x", sha256.Sum256(a.data))), Downloads: a.fetched, CreatedAt: jsonTime(a.created), UpdatedAt: jsonTime(a.updated),
		DownloadURL: rq.site.repoHTML(rq.repo) + "/releases/download/" + l.tag + "/" + a.name,
	}
}

func listAssets(rq *request) response {
	l := rq.findRelease()
	if l == nil {
		return notFound()
	}
	return listed(rq, l.assets, func(a *asset) any { return rq.asset(l, a) })
}

// uploadAsset takes the body as it is. GitHub has this at another host, whose
// address is in the release's upload_url.
func uploadAsset(rq *request) response {
	l := rq.findRelease()
	if l == nil {
		return notFound()
	}
	name := assetName(rq.arg("name"))
	switch {
	case name == "":
		return rq.invalid(fieldError{Resource: "ReleaseAsset", Code: "missing_field", Field: "name"})
	case len(rq.body) == 0:
		return rq.invalid(fieldError{Resource: "ReleaseAsset", Code: "custom", Field: "size", Message: "size must be greater than or equal to 1"})
	case slices.ContainsFunc(l.assets, func(a *asset) bool { return a.name == name }):
		return rq.invalid(fieldError{Resource: "ReleaseAsset", Code: "already_exists", Field: "name"})
	}
	a := &asset{
		id: rq.s.nextID(), name: name, label: new(rq.arg("label")), media: rq.http.Header.Get("Content-Type"), data: rq.body,
		uploader: rq.actor.user, created: rq.s.stamp(rq.now), updated: rq.s.stamp(rq.now),
	}
	if a.media == "" {
		a.media = "application/octet-stream"
	}
	l.assets = append(l.assets, a)
	j := rq.asset(l, a)
	return created(j, j.URL)
}

// assetName is what GitHub makes of a file's name: odd characters become dots.
func assetName(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("-_.+@~", r) {
			return r
		}
		return '.'
	}, name), ".")
}

// findAsset is the asset of the path with its release; nil if there is none.
func (rq *request) findAsset() (*release, *asset) {
	for _, l := range rq.visibleReleases() {
		for _, a := range l.assets {
			if a.id == rq.number("asset_id") {
				return l, a
			}
		}
	}
	return nil, nil
}

// getAsset gives the file itself to those who ask for application/octet-stream.
func getAsset(rq *request) response {
	l, a := rq.findAsset()
	if a == nil {
		return notFound()
	}
	if rq.http.Header.Get("Accept") == "application/octet-stream" {
		a.fetched++
		return response{status: http.StatusOK, body: a.data, media: a.media}
	}
	return ok(rq.asset(l, a))
}

func deleteAsset(rq *request) response {
	l, a := rq.findAsset()
	if a == nil {
		return notFound()
	}
	l.assets = slices.DeleteFunc(l.assets, func(o *asset) bool { return o == a })
	return noContent()
}
