package fakehub

import "strconv"

// jsonUser is GitHub's "simple-user".
type jsonUser struct {
	Login             string `json:"login"`
	ID                int64  `json:"id"`
	NodeID            string `json:"node_id"`
	AvatarURL         string `json:"avatar_url"`
	GravatarID        string `json:"gravatar_id"`
	URL               string `json:"url"`
	HTMLURL           string `json:"html_url"`
	FollowersURL      string `json:"followers_url"`
	FollowingURL      string `json:"following_url"`
	GistsURL          string `json:"gists_url"`
	StarredURL        string `json:"starred_url"`
	SubscriptionsURL  string `json:"subscriptions_url"`
	OrganizationsURL  string `json:"organizations_url"`
	ReposURL          string `json:"repos_url"`
	EventsURL         string `json:"events_url"`
	ReceivedEventsURL string `json:"received_events_url"`
	Type              string `json:"type"`
	SiteAdmin         bool   `json:"site_admin"`
}

// avatar is the address of a user's picture.
func (a address) avatar(u *user) string {
	return a.html + "/_avatars/" + strconv.FormatInt(u.id, 10) + "?v=4"
}

func (a address) userJSON(u *user) jsonUser {
	url := a.user(u)
	return jsonUser{
		Login: u.login, ID: u.id, NodeID: nodeID(u.kind, u.id), AvatarURL: a.avatar(u),
		URL: url, HTMLURL: a.userHTML(u),
		FollowersURL: url + "/followers", FollowingURL: url + "/following{/other_user}", GistsURL: url + "/gists{/gist_id}",
		StarredURL: url + "/starred{/owner}{/repo}", SubscriptionsURL: url + "/subscriptions",
		OrganizationsURL: url + "/orgs", ReposURL: url + "/repos", EventsURL: url + "/events{/privacy}",
		ReceivedEventsURL: url + "/received_events", Type: u.kind,
	}
}

// user is the short form of a user, from the cache; nil is null.
func (rq *request) user(u *user) any {
	if u == nil {
		return nil
	}
	return u.json.of(rq.site, "", func() any { return rq.site.userJSON(u) })
}

// users is a list of users in short form.
func (rq *request) users(list []*user) []any {
	out := make([]any, 0, len(list))
	for _, u := range list {
		out = append(out, rq.user(u))
	}
	return out
}
