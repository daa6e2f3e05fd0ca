package fakehub

import "strconv"

// An address is where a client reached the server; answers are full of it.
type address struct {
	api    string // the root of REST, without a slash at the end
	html   string // the root of the web view and of git
	upload string // the root of uploads of assets
}

func (a address) user(u *user) string     { return a.api + "/users/" + u.login }
func (a address) userHTML(u *user) string { return a.html + "/" + u.login }
func (a address) repo(r *repo) string     { return a.api + "/repos/" + r.fullName() }
func (a address) repoHTML(r *repo) string { return a.html + "/" + r.fullName() }
func (a address) issue(i *issue) string {
	return a.repo(i.repo) + "/issues/" + strconv.Itoa(i.number)
}
func (a address) pull(i *issue) string { return a.repo(i.repo) + "/pulls/" + strconv.Itoa(i.number) }

// issueHTML is the page of an issue or pull request.
func (a address) issueHTML(i *issue, isPull bool) string {
	if isPull {
		return a.repoHTML(i.repo) + "/pull/" + strconv.Itoa(i.number)
	}
	return a.repoHTML(i.repo) + "/issues/" + strconv.Itoa(i.number)
}
