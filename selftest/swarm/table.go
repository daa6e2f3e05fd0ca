package swarm

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Table writes the sum for people.
func (s *Sum) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("played", "%d games, %s of virtual time in %s: %.0f jobs a second", s.Games, round(s.Virtual), round(s.Real), float64(s.Jobs)/max(s.Real.Seconds(), 1e-9))
	row("jobs", "%d results that count, of %d contexts", s.Jobs, s.Subjects)
	row("double runs", "%d", s.Doubles)
	row("two results", "%d", s.Effects)
	row("flips", "%d", s.Flips)
	row("lost jobs", "%d", s.Lost)
	row("wrong at rest", "%d", s.Wrong)
	row("phantoms", "%d", s.Phantoms)
	row("claims", "%d, %.1f %% in vain", s.Claims, s.percent(s.Wasted, s.Claims))
	row("pick-up", "p50 %s, p95 %s, p99 %s", round(percentile(s.Pickup, 0.5)), round(percentile(s.Pickup, 0.95)), round(percentile(s.Pickup, 0.99)))
	row("makespan", "%s, %.2f times that of a perfect queue", round(s.Makespan), float64(s.Makespan)/float64(max(s.Ideal, 1)))
	row("requests", "%d, %.1f a job; %.1f %% answered 304", s.Usage.Requests, s.each(s.Usage.Requests), s.percent(s.Usage.NotModified, s.Usage.Requests))
	row("statuses", "%d, %.1f a job", s.Records, s.each(s.Records))
	row("points", "%.1f a job, %.1f of GraphQL's", s.each(s.Usage.Points), s.each(s.Usage.GraphQL))
	row("content", "%d writes, %.1f a job; %d requests refused for a limit", s.Usage.Content, s.each(s.Usage.Content), s.Usage.Refused)
	limits := s.Need.Limits
	row("budget", "of an account's hour: %.0f %% of the requests, %.0f %% of GraphQL, %.0f %% of the writes, %.0f %% of the points",
		s.hourly(s.Usage.Primary, limits.Primary), s.hourly(s.Usage.GraphQL, limits.GraphQL),
		s.hourly(s.Usage.Content, limits.ContentHour), s.hourly(s.Usage.Points, 60*limits.Points))
	row("accounts", "%s", s.fits())
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// fits says, for people, whether there were accounts enough.
func (s *Sum) fits() string {
	switch {
	case s.Spread == 0:
		return "no limits were kept; " + s.Need.String()
	case s.Usage.Refused == 0:
		return fmt.Sprintf("%d are enough: nothing was refused", s.Spread)
	}
	n := s.Need
	n.Accounts = max(n.Accounts, s.Spread+1)
	return fmt.Sprintf("%d are too few: %d requests were refused; %s", s.Spread, s.Usage.Refused, n)
}

// hourly is how many percent of an hour's limit are used in an hour of a game.
func (s *Sum) hourly(n, limit int) float64 {
	return 100 * float64(n) / max(s.Virtual.Hours(), 1e-9) / max(float64(limit), 1)
}

func (s *Sum) each(n int) float64 { return float64(n) / float64(max(s.Jobs, 1)) }

func (s *Sum) percent(n, of int) float64 { return 100 * float64(n) / float64(max(of, 1)) }

// round makes a duration short to read.
func round(d time.Duration) time.Duration {
	switch {
	case d > time.Hour:
		return d.Round(time.Minute)
	case d > 10*time.Second:
		return d.Round(time.Second)
	}
	return d.Round(10 * time.Millisecond)
}
