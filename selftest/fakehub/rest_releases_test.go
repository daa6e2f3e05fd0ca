package fakehub

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const releasesRoot = widget + "/releases"

// draft makes a draft of v1.0 with one file.
func (h *hub) draft() (draft, asset reply) {
	h.t.Helper()
	draft = h.want(201, "bot", post, releasesRoot, dict{"tag_name": "v1.0", "name": "One", "body": "notes", "draft": true})
	upload, _, _ := strings.Cut(strings.TrimPrefix(draft.str("upload_url"), "http://hub.test"), "{")
	asset = h.want(201, "bot", post, upload+"?name=a+file.tar.gz&label=the+source", "\x1f\x8b data", "Content-Type", "application/gzip")
	return draft, asset
}

// TestReleaseDraft is what a draft shows, and to whom.
func TestReleaseDraft(t *testing.T) {
	h := newHub(t, Options{})
	r, a := h.draft()
	if r.get("draft") != true || r.get("published_at") != nil || r.get("tarball_url") != nil || r.str("author.login") != "bot" || r.header.Get("Location") != r.str("url") {
		t.Errorf("draft is %s", r)
	}
	if got := h.s.Truth().Ref("acme/widget", "refs/tags/v1.0"); got != "" {
		t.Error("a draft makes a tag")
	}
	h.want(404, "bot", get, releasesRoot+"/tags/v1.0", nil)
	if got := len(h.want(200, "stranger", get, releasesRoot, nil).list(t)); got != 0 {
		t.Error("a stranger sees the draft")
	}
	one := strings.TrimPrefix(r.str("url"), "http://hub.test")
	h.want(404, "stranger", get, one, nil)
	upload, _, _ := strings.Cut(strings.TrimPrefix(r.str("upload_url"), "http://hub.test"), "{")
	if !strings.HasPrefix(upload, "/api/uploads/repos/acme/widget/releases/") {
		t.Errorf("upload_url is %s", r.str("upload_url"))
	}
	for path, want := range (dict{
		"name": "a.file.tar.gz", "label": "the source", "size": 7.0, "state": "uploaded", "content_type": "application/gzip", "uploader.login": "bot",
	}) {
		if got := a.get(path); got != want {
			t.Errorf("asset's %s is %v, want %v", path, got, want)
		}
	}
	if got := a.str("digest"); len(got) != len("sha256:")+64 || !strings.HasPrefix(got, "sha256:") {
		t.Errorf("digest is %s", got)
	}
	if r := h.want(422, "bot", post, upload+"?name=a+file.tar.gz", "again"); r.str("errors.0.code") != "already_exists" {
		t.Errorf("the same name again: %s", r)
	}
	h.want(422, "bot", post, upload, "x")
	h.want(422, "bot", post, upload+"?name=empty", nil)
	h.want(404, "reader", post, upload+"?name=b", "x")
}

// TestReleasePublish publishes a draft, which makes its tag, and fetches its file.
func TestReleasePublish(t *testing.T) {
	h := newHub(t, Options{})
	r, a := h.draft()
	one := strings.TrimPrefix(r.str("url"), "http://hub.test")
	r = h.want(200, "bot", patch, one, dict{"draft": false})
	if r.get("published_at") == nil || r.get("assets.0.name") != "a.file.tar.gz" || r.str("body") != "notes" {
		t.Errorf("release is %s", r)
	}
	if got := h.s.Truth().Ref("acme/widget", "refs/tags/v1.0"); got != h.sha {
		t.Errorf("the tag is %q, want %s", got, h.sha)
	}
	h.want(200, "stranger", get, releasesRoot+"/tags/v1.0", nil)
	if r := h.want(200, "", get, releasesRoot+"/latest", nil); r.str("tag_name") != "v1.0" {
		t.Errorf("latest is %s", r)
	}
	asset := strings.TrimPrefix(a.str("url"), "http://hub.test")
	if r := h.want(200, "", get, asset, nil, "Accept", "application/octet-stream"); string(r.body) != "\x1f\x8b data" || r.header.Get("Content-Type") != "application/gzip" {
		t.Errorf("the file is %q, %s", r.body, r.header.Get("Content-Type"))
	}
	download := strings.TrimPrefix(h.want(200, "", get, asset, nil).str("browser_download_url"), "http://hub.test")
	if r := h.want(200, "", get, download, nil); string(r.body) != "\x1f\x8b data" || r.header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("the download is %q, %s", r.body, r.header.Get("Content-Type"))
	}
	if r := h.want(200, "", get, asset, nil); r.get("download_count") != 2.0 {
		t.Errorf("download count: %s", r)
	}
	h.want(204, "bot", remove, asset, nil)
	h.want(404, "bot", get, asset, nil)
	h.want(204, "bot", remove, one, nil)
	h.want(404, "bot", get, one, nil)
}

// TestReleaseRefusals holds the texts.
func TestReleaseRefusals(t *testing.T) {
	h := newHub(t, Options{})
	h.want(201, "bot", post, releasesRoot, dict{"tag_name": "v1"})
	for name, c := range map[string]struct {
		body dict
		want dict
	}{
		"no tag":        {dict{"name": "x"}, dict{"resource": "Release", "code": "missing_field", "field": "tag_name"}},
		"a taken tag":   {dict{"tag_name": "v1"}, dict{"resource": "Release", "code": "already_exists", "field": "tag_name"}},
		"no such place": {dict{"tag_name": "v2", "target_commitish": "nowhere"}, dict{"resource": "Release", "code": "invalid", "field": "target_commitish"}},
		"a bad tag":     {dict{"tag_name": "a..b"}, dict{"resource": "Release", "code": "custom", "field": "tag_name", "message": "tag_name is not a valid tag"}},
	} {
		r := h.want(422, "bot", post, releasesRoot, c.body)
		if diff := cmp.Diff(any(c.want), r.get("errors.0")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	h.want(404, "reader", post, releasesRoot, dict{"tag_name": "v3"})
	h.want(404, "bot", get, releasesRoot+"/999999", nil)
	h.want(404, "bot", patch, releasesRoot+"/999999", dict{"name": "x"})
	if got := len(h.want(200, "bot", get, releasesRoot, nil).list(t)); got != 1 {
		t.Errorf("%d releases after refusals", got)
	}
}
