package fakehub

// jsonLabel is a label.
type jsonLabel struct {
	ID          int64   `json:"id"`
	NodeID      string  `json:"node_id"`
	URL         string  `json:"url"`
	Name        string  `json:"name"`
	Color       string  `json:"color"`
	Default     bool    `json:"default"`
	Description *string `json:"description"`
}

// label is a label of a repository, from the cache.
func (rq *request) label(r *repo, l *label) any {
	return l.json.of(rq.site, r.name, func() any {
		return jsonLabel{
			ID: l.id, NodeID: nodeID("Label", l.id), URL: rq.site.repo(r) + "/labels/" + pathEscape(l.name),
			Name: l.name, Color: l.color, Default: l.builtin, Description: orNull(l.description),
		}
	})
}

func (rq *request) labels(r *repo, list []*label) []any {
	out := make([]any, 0, len(list))
	for _, l := range list {
		out = append(out, rq.label(r, l))
	}
	return out
}
