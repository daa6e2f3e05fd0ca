package fakehub

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A timeView is a point in time as people like to read it.
type timeView struct{ at, now time.Time }

func (v *viewer) time(t time.Time) timeView { return timeView{t, v.now} }

// ISO is the time for programs.
func (t timeView) ISO() string { return t.at.UTC().Format(time.RFC3339) }

// Long is the exact time for people.
func (t timeView) Long() string { return t.at.UTC().Format("Jan 2, 2006, 15:04:05 UTC") }

// Ago is how long ago it is, in GitHub's words.
func (t timeView) Ago() string {
	d := t.now.Sub(t.at)
	count := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit + " ago"
		}
		return fmt.Sprintf("%d %ss ago", n, unit)
	}
	switch {
	case d < 10*time.Second:
		return "just now"
	case d < time.Minute:
		return count(int(d.Seconds()), "second")
	case d < time.Hour:
		return count(int(d.Minutes()), "minute")
	case d < 24*time.Hour:
		return count(int(d.Hours()), "hour")
	case d < 30*24*time.Hour:
		return count(int(d.Hours()/24), "day")
	case t.at.Year() == t.now.Year():
		return "on " + t.at.Format("Jan 2")
	}
	return "on " + t.at.Format("Jan 2, 2006")
}

// A userView is an account in a page.
type userView struct {
	Login  string
	Avatar string
	Bot    bool
}

// URL is the page of the account.
func (u userView) URL() string { return "/" + u.Login }

func (v *viewer) user(u *user) userView {
	if u == nil {
		return userView{Login: "ghost", Avatar: "/_avatars/0"}
	}
	return userView{
		Login: strings.TrimSuffix(u.login, "[bot]"), Bot: u.kind == "Bot",
		Avatar: "/_avatars/" + strconv.FormatInt(u.id, 10),
	}
}

// A labelView is a label with the ink that can be read on its colour.
type labelView struct{ Name, Color, Ink, Description string }

func labelsView(list []*label) []labelView {
	out := make([]labelView, 0, len(list))
	for _, l := range list {
		out = append(out, labelView{l.name, "#" + l.color, ink(l.color), l.description})
	}
	return out
}

// ink is dark on light colours and light on dark ones, by perceived brightness.
func ink(color string) string {
	n, err := strconv.ParseUint(color, 16, 32)
	if err != nil {
		return "dark"
	}
	r, g, b := n>>16&0xff, n>>8&0xff, n&0xff
	if r*2126+g*7152+b*722 > 1_160_000 {
		return "dark"
	}
	return "light"
}

// A repoView is the head of a repository's pages.
type repoView struct {
	Owner, Name, Full string
	Description       string
	Clone             string
	Branch            string // the default one
	Parent            string // of a fork
	Issues, Pulls     int    // open ones
	Pushed            timeView
	Empty             bool
}

func (v *viewer) repoView() *repoView {
	r := v.repo
	view := &repoView{
		Owner: r.owner.login, Name: r.name, Full: r.fullName(), Description: r.description,
		Clone: v.site.repoHTML(r) + ".git", Branch: r.defaultBranch, Pushed: v.time(r.pushed), Empty: r.empty(v.now),
	}
	if r.parent != nil {
		view.Parent = r.parent.fullName()
	}
	for _, i := range r.issues {
		switch st := i.state.last(); {
		case st.closed:
		case i.pull != nil:
			view.Pulls++
		default:
			view.Issues++
		}
	}
	return view
}

// home is the list of all repositories, or of an owner's.
func (v *viewer) home(owner string) page {
	var list []*repoView
	for _, r := range v.s.byID {
		if r.private || r.gone || owner != "" && !strings.EqualFold(r.owner.login, owner) {
			continue
		}
		v.repo = r
		list = append(list, v.repoView())
	}
	v.repo = nil
	slices.SortFunc(list, func(a, b *repoView) int { return cmp.Compare(a.Full, b.Full) })
	title := "Repositories"
	if owner != "" {
		u := v.s.users[strings.ToLower(owner)]
		if u == nil {
			return v.nothing()
		}
		title = u.login
	}
	return page{name: "home", Title: title, Body: list}
}

// webLink is an address that a page may point to, "" if it is not one of the web.
func webLink(address *string) string {
	if address == nil {
		return ""
	}
	u, err := url.Parse(*address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return u.String()
}

// short is how a commit is named in texts.
func short(sha string) string { return sha[:min(len(sha), 7)] }

// plural is a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
