package fakehub

import (
	"encoding/json"
	"time"
)

// jsonStatus is a commit status; the combined status shows all but the creator.
type jsonStatus struct {
	URL         string    `json:"url"`
	AvatarURL   *string   `json:"avatar_url"`
	ID          int64     `json:"id"`
	NodeID      string    `json:"node_id"`
	State       string    `json:"state"`
	Description *string   `json:"description"`
	TargetURL   *string   `json:"target_url"`
	Context     string    `json:"context"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	Creator     any       `json:"creator,omitempty"`
}

// jsonCombined is the combined status of a commit.
type jsonCombined struct {
	State      string `json:"state"`
	Statuses   []any  `json:"statuses"`
	SHA        string `json:"sha"`
	TotalCount int    `json:"total_count"`
	Repository any    `json:"repository"`
	CommitURL  string `json:"commit_url"`
	URL        string `json:"url"`
}

func (rq *request) statusJSON(st *status) jsonStatus {
	return jsonStatus{
		URL: rq.site.repo(rq.repo) + "/statuses/" + st.sha, AvatarURL: new(rq.site.avatar(st.creator)),
		ID: st.id, NodeID: nodeID("StatusContext", st.id), State: st.state, Description: st.description, TargetURL: st.target,
		Context: st.context, CreatedAt: jsonTime(st.created), UpdatedAt: jsonTime(st.created),
	}
}

// status is a status with its creator, from the cache.
func (rq *request) status(st *status) json.RawMessage {
	return st.json.of(rq.site, rq.repo.name, func() any {
		full := rq.statusJSON(st)
		full.Creator = rq.user(st.creator)
		return full
	})
}

// simpleStatus is a status as the combined one has it, from the cache.
func (rq *request) simpleStatus(st *status) any {
	return st.simple.of(rq.site, rq.repo.name, func() any { return rq.statusJSON(st) })
}
