package fakehub

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
)

// A releaseView is a release on its page.
type releaseView struct {
	Tag, Name  string
	By         userView
	At         timeView
	Prerelease bool
	Latest     bool
	Body       template.HTML
	Assets     []assetView
}

// An assetView is a file of a release.
type assetView struct {
	Name, URL, Size string
}

// releases is the list of published releases, one of them, or a file of one.
func (v *viewer) releases(rest []string) page {
	if len(rest) >= 3 && rest[0] == "download" {
		return v.download(strings.Join(rest[1:len(rest)-1], "/"), rest[len(rest)-1])
	}
	only := ""
	if len(rest) >= 2 && rest[0] == "tag" {
		only = strings.Join(rest[1:], "/")
	} else if len(rest) > 0 {
		return v.nothing()
	}
	views := []*releaseView{}
	latest := true
	for _, l := range slices.Backward(v.repo.releases) {
		if l.draft {
			continue
		}
		view := &releaseView{Tag: l.tag, Name: l.tag, By: v.user(l.author), At: v.time(l.published), Prerelease: l.prerelease}
		if l.name != nil && *l.name != "" {
			view.Name = *l.name
		}
		if l.body != nil {
			view.Body = v.repo.markdown(*l.body)
		}
		view.Latest = latest && !l.prerelease
		latest = latest && l.prerelease
		for _, a := range l.assets {
			view.Assets = append(view.Assets, assetView{a.name, "/" + v.repo.fullName() + "/releases/download/" + l.tag + "/" + a.name, size(len(a.data))})
		}
		if only == "" || only == l.tag {
			views = append(views, view)
		}
	}
	if only != "" && len(views) == 0 {
		return v.nothing()
	}
	return page{name: "releases", Tab: "code", Title: "Releases · " + v.repo.fullName(), Body: views}
}

func (v *viewer) download(tag, name string) page {
	for _, l := range v.repo.releases {
		for _, a := range l.assets {
			if !l.draft && l.tag == tag && a.name == name {
				a.fetched++
				return page{file: a}
			}
		}
	}
	return v.nothing()
}

// size is a number of bytes for people.
func size(n int) string {
	switch {
	case n < 1<<10:
		return plural(n, "byte")
	case n < 1<<20:
		return fmt.Sprintf("%.1f KB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MB", float64(n)/(1<<20))
}
