package fakehub

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

const maxLabelName = 50

// labelRoutes is the labels of a repository and those of an issue.
func labelRoutes() []route {
	const root, issue = "/repos/{owner}/{repo}/labels", "/repos/{owner}/{repo}/issues/{number}/labels"
	reads, writes := right{area: "issues", need: Read}, right{area: "issues", need: Write}
	triage := right{area: "issues", need: Write, denied: mustAdmin}
	return []route{
		{method: get, pattern: root, handle: listLabels, right: reads, scopes: "repo", docs: "issues/labels#list-labels-for-a-repository"},
		{method: post, pattern: root, handle: createLabel, right: writes, docs: "issues/labels#create-a-label"},
		{method: get, pattern: root + "/{name}", handle: getLabel, right: reads, scopes: "repo", docs: "issues/labels#get-a-label"},
		{method: patch, pattern: root + "/{name}", handle: editLabel, right: writes, docs: "issues/labels#update-a-label"},
		{method: remove, pattern: root + "/{name}", handle: deleteLabel, right: writes, docs: "issues/labels#delete-a-label"},
		{method: get, pattern: issue, handle: issueLabels, right: reads, scopes: "repo", docs: "issues/labels#list-labels-for-an-issue"},
		{method: post, pattern: issue, handle: addLabels, right: triage, docs: "issues/labels#add-labels-to-an-issue"},
		{method: put, pattern: issue, handle: setLabels, right: triage, docs: "issues/labels#set-labels-for-an-issue"},
		{method: remove, pattern: issue, handle: clearLabels, right: triage, docs: "issues/labels#remove-all-labels-from-an-issue"},
		{method: remove, pattern: issue + "/{name}", handle: removeLabel, right: triage, docs: "issues/labels#remove-a-label-from-an-issue"},
	}
}

func listLabels(rq *request) response {
	list, _ := rq.repo.labels.at(rq.asOf(issueDomain))
	return listed(rq, list, func(l *label) any { return rq.label(rq.repo, l) })
}

func getLabel(rq *request) response {
	if l := rq.repo.label(rq.param("name")); l != nil {
		return response{status: http.StatusOK, body: rq.label(rq.repo, l), lastModified: rq.repo.updated}
	}
	return notFound()
}

// labelInput is the body of a new or changed label.
type labelInput struct {
	Name        *string `json:"name"`
	NewName     *string `json:"new_name"`
	Color       *string `json:"color"`
	Description *string `json:"description"`
}

// check gives what GitHub finds wrong with a label that is to be called name.
func (in *labelInput) check(r *repo, name string, itself *label) []fieldError {
	var errs []fieldError
	other := r.label(name)
	switch {
	case strings.TrimSpace(name) == "":
		errs = append(errs, fieldError{Resource: "Label", Field: "name", Code: "missing_field"})
	case utf8.RuneCountInString(name) > maxLabelName:
		errs = append(errs, custom("Label", "name", "name is too long (maximum is 50 characters)"))
	case other != nil && (itself == nil || other.id != itself.id):
		errs = append(errs, fieldError{Resource: "Label", Field: "name", Code: "already_exists"})
	}
	if in.Color != nil && (len(*in.Color) != 6 || !isHex(strings.ToLower(*in.Color))) {
		errs = append(errs, fieldError{Resource: "Label", Field: "color", Code: "invalid"})
	}
	if in.Description != nil && utf8.RuneCountInString(*in.Description) > 100 {
		errs = append(errs, custom("Label", "description", "description is too long (maximum is 100 characters)"))
	}
	return errs
}

func createLabel(rq *request) response {
	var in labelInput
	if no := rq.decode(&in); no != nil {
		return *no
	}
	if errs := in.check(rq.repo, orEmpty(in.Name), nil); errs != nil {
		return rq.invalid(errs...)
	}
	color := "ededed"
	if in.Color != nil {
		color = *in.Color
	}
	l := rq.s.addLabel(rq.now, rq.repo, *in.Name, color, orEmpty(in.Description))
	return created(rq.label(rq.repo, l), rq.site.repo(rq.repo)+"/labels/"+pathEscape(l.name))
}

func editLabel(rq *request) response {
	l := rq.repo.label(rq.param("name"))
	if l == nil {
		return notFound()
	}
	var in labelInput
	if no := rq.decode(&in); no != nil {
		return *no
	}
	next := &label{id: l.id, name: l.name, color: l.color, description: l.description, builtin: l.builtin}
	if in.NewName != nil {
		next.name = *in.NewName
	}
	if errs := in.check(rq.repo, next.name, l); errs != nil {
		return rq.invalid(errs...)
	}
	if in.Color != nil {
		next.color = *in.Color
	}
	if in.Description != nil {
		next.description = *in.Description
	}
	rq.s.replaceLabel(rq.now, rq.repo, l, next)
	return ok(rq.label(rq.repo, next))
}

func deleteLabel(rq *request) response {
	l := rq.repo.label(rq.param("name"))
	if l == nil {
		return notFound()
	}
	rq.s.replaceLabel(rq.now, rq.repo, l, nil)
	return noContent()
}

// labelNames reads {"labels": [...]} or a bare list, each a name or an object
// with a name, as GitHub takes them.
func labelNames(data json.RawMessage) ([]string, bool) {
	if data = bytes.TrimSpace(data); len(data) > 0 && data[0] == '{' {
		var in struct{ Labels json.RawMessage }
		if json.Unmarshal(data, &in) != nil {
			return nil, false
		}
		data = in.Labels
	}
	if len(data) == 0 {
		return nil, true
	}
	var entries []json.RawMessage
	if json.Unmarshal(data, &entries) != nil {
		return nil, false
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		var named struct{ Name string }
		if json.Unmarshal(e, &named.Name) != nil && json.Unmarshal(e, &named) != nil {
			return nil, false
		}
		names = append(names, named.Name)
	}
	return names, true
}

// labelsAsked reads the names of a request to an issue's labels.
func (rq *request) labelsAsked() ([]string, *response) {
	if len(rq.body) > 0 && !json.Valid(rq.body) {
		return nil, new(fail(http.StatusBadRequest, "Problems parsing JSON"))
	}
	names, good := labelNames(rq.body)
	if !good {
		return nil, new(rq.invalid(fieldError{Resource: "Issue", Field: "labels", Code: "invalid"}))
	}
	return names, rq.labelNamesGood(names)
}

// labelNamesGood refuses names that no label can have.
func (rq *request) labelNamesGood(names []string) *response {
	for _, name := range names {
		if strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > maxLabelName {
			return new(rq.invalid(fieldError{Resource: "Label", Field: "name", Code: "invalid", Value: name}))
		}
	}
	return nil
}

func issueLabels(rq *request) response {
	at := rq.asOf(issueDomain)
	is := rq.repo.issueAt(rq.number("number"), at)
	if is == nil {
		return notFound()
	}
	st, _ := is.state.at(at)
	return listed(rq, st.labels, func(l *label) any { return rq.label(rq.repo, l) })
}

// changeLabels is what all changes of an issue's labels have in common.
func changeLabels(rq *request, next func(is *issue, now []*label) ([]*label, *response)) response {
	is := rq.repo.issueAt(rq.number("number"), rq.now)
	if is == nil {
		return notFound()
	}
	labels, no := next(is, is.state.last().labels)
	if no != nil {
		return *no
	}
	rq.s.setLabels(rq.now, is, rq.actor.user, labels)
	return ok(rq.labels(rq.repo, is.state.last().labels))
}

func addLabels(rq *request) response {
	return changeLabels(rq, func(_ *issue, now []*label) ([]*label, *response) {
		names, no := rq.labelsAsked()
		if no != nil {
			return nil, no
		}
		list := slices.Clone(now)
		for _, l := range rq.s.namedLabels(rq.now, rq.repo, names) {
			if !slices.Contains(list, l) {
				list = append(list, l)
			}
		}
		return list, nil
	})
}

func setLabels(rq *request) response {
	return changeLabels(rq, func(*issue, []*label) ([]*label, *response) {
		names, no := rq.labelsAsked()
		if no != nil {
			return nil, no
		}
		return rq.s.namedLabels(rq.now, rq.repo, names), nil
	})
}

func removeLabel(rq *request) response {
	return changeLabels(rq, func(_ *issue, now []*label) ([]*label, *response) {
		at := slices.IndexFunc(now, func(l *label) bool { return strings.EqualFold(l.name, rq.param("name")) })
		if at < 0 {
			return nil, new(fail(http.StatusNotFound, "Label does not exist"))
		}
		return slices.Delete(slices.Clone(now), at, at+1), nil
	})
}

func clearLabels(rq *request) response {
	r := changeLabels(rq, func(*issue, []*label) ([]*label, *response) { return []*label{}, nil })
	if r.status == http.StatusOK {
		return noContent()
	}
	return r
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
