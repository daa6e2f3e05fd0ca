package fakehub

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// A Duration is a time.Duration that reads and writes itself as "1m30s".
type Duration time.Duration

// MarshalText gives the usual form of time.Duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration does; a duration below zero is an error.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("read duration: %w", err)
	}
	if v < 0 {
		return fmt.Errorf("read duration %q: must not be negative", text)
	}
	*d = Duration(v)
	return nil
}

// String is the usual form of time.Duration.
func (d Duration) String() string { return time.Duration(d).String() }

// A Lag is how far the replicas of each domain are behind.
type Lag struct {
	Issues   Duration `json:"issues"`
	Pulls    Duration `json:"pulls"`
	Statuses Duration `json:"statuses"`
	Refs     Duration `json:"refs"`
	Comments Duration `json:"comments"`
	Events   Duration `json:"events"`
	// Jitter is added to each of them, evenly between nothing and itself.
	Jitter Duration `json:"jitter"`
}

// Faults is what goes wrong. Probabilities are between 0 and 1 and apply to
// each request by itself; the zero value is a GitHub on its best day.
type Faults struct {
	// Lag is how old the state is that reads see. Reads do not go backwards.
	Lag Lag `json:"lag"`
	// BackwardReads is the probability that a read is served by a replica which
	// is up to BackwardBy further behind than the one before.
	BackwardReads float64  `json:"backward_reads"`
	BackwardBy    Duration `json:"backward_by"`
	// LateIDs is the probability that a status, comment or event has its id at
	// once but is seen by reads only later, after up to LateBy.
	LateIDs float64  `json:"late_ids"`
	LateBy  Duration `json:"late_by"`
	// LostAcks is the probability that a write is applied and the connection
	// then breaks without an answer.
	LostAcks float64 `json:"lost_acks"`
	// FailBefore and FailAfter are the probabilities of a 5xx before and after
	// the request was applied.
	FailBefore float64 `json:"fail_before"`
	FailAfter  float64 `json:"fail_after"`
	// Killed is the probability that GitHub takes too long: the answer is a 502
	// after ten seconds, and the request may or may not have been applied.
	Killed float64 `json:"killed"`
	// Limited is the probability of a refusal for a secondary limit, with 403
	// or 429, with and without Retry-After (in seconds or as a date) and the
	// address of the documentation.
	Limited float64 `json:"limited"`
	// SlowBodies is the probability that the body of an answer takes SlowBy.
	SlowBodies float64  `json:"slow_bodies"`
	SlowBy     Duration `json:"slow_by"`
	// Latency is how long a request takes, half of it before it is applied, and
	// between once and twice as long with an even chance.
	Latency Duration `json:"latency"`
	// SkewCreated is by how much a created_at may be wrong, either way.
	SkewCreated Duration `json:"skew_created"`
	// RevokedTokens are tokens that are no longer taken, or logins all of whose
	// tokens are not.
	RevokedTokens []string `json:"revoked_tokens"`
	// OutageUntil is the end of an outage: till then every answer is 503.
	OutageUntil time.Time `json:"outage_until,omitzero"`
	// OutageFor begins an outage now, and is then turned into OutageUntil.
	OutageFor Duration `json:"outage_for,omitempty"`
}

// check says which field makes no sense.
func (f *Faults) check() error {
	for name, p := range map[string]float64{
		"backward_reads": f.BackwardReads, "late_ids": f.LateIDs, "lost_acks": f.LostAcks, "fail_before": f.FailBefore,
		"fail_after": f.FailAfter, "killed": f.Killed, "limited": f.Limited, "slow_bodies": f.SlowBodies,
	} {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("set faults: %s is a probability between 0 and 1, not %v", name, p)
		}
	}
	for name, pair := range map[string][2]bool{
		"backward_reads": {f.BackwardReads > 0, f.BackwardBy > 0}, "late_ids": {f.LateIDs > 0, f.LateBy > 0},
		"slow_bodies": {f.SlowBodies > 0, f.SlowBy > 0},
	} {
		if pair[0] && !pair[1] {
			return fmt.Errorf("set faults: %s also needs the duration beside it", name)
		}
	}
	return nil
}

// UnmarshalJSON takes either one duration for all domains or an object.
func (l *Lag) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		var d Duration
		if err := json.Unmarshal(data, &d); err != nil {
			return err // says it all
		}
		*l = EvenLag(d)
		return nil
	}
	type plain Lag
	p := plain(*l)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return fmt.Errorf("lag: %w", err)
	}
	*l = Lag(p)
	return nil
}

// EvenLag is the same lag in every domain.
func EvenLag(d Duration) Lag {
	return Lag{Issues: d, Pulls: d, Statuses: d, Refs: d, Comments: d, Events: d}
}
