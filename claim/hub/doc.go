// Package hub is GitHub as the bots see it: types of its own, one method for each thing that they do there, and errors that say what
// became of it. The client library, go-github v57, does not show; beneath it stands a stack of transports of our own, since most of what
// goes wrong with GitHub goes wrong there.
//
// # What a caller can rely on
//
//   - A write is sent at most once. It ends in one of five ways: done; *RefusedError, not done and GitHub says why; *LimitedError, not done,
//     come back later; *NotSentError, it never left; *AmbiguousError, nobody knows, so read before doing it again. Errors of other types
//     are of arguments that were not right, and nothing was sent.
//   - A read that GitHub cannot serve is tried again a few times within its context, and then says nothing about what was asked
//     for: *UnavailableError, *LimitedError or an error of the network are no reason to stop work that is under way.
//   - Nothing waits for a rate limit. LimitedError.Until is when to come back.
//   - No answer is younger than it looks. Every read asks GitHub; a list or an issue that is older than what was seen before is a
//     *StaleError or marked Stale. Statuses and IssueEvents never have a hole.
//   - A token goes to the API's own host only, and is in no error, log, journal or cache.
//
// All errors begin with what was tried, "post status "verify" on acme/widget@…: ", and carry GitHub's words and the request's id.
//
// # The stack
//
// From the outside in; each is one file and one small RoundTripper.
//
//	record     keeps the outcome from go-github, which would lose it, and keeps the rate headers from it: given a secondary limit without
//	           Retry-After, it refuses all calls until the hour ends, and every claim of the bot runs out meanwhile
//	patience   tries reads again (cenkalti/backoff); never writes
//	turns      one write at a time, a second apart, in the order they came; writes the journal
//	verdict    answers of 300 and above become errors; what became of a write is decided here
//	deadline   10 seconds, or what the context has left
//	limits     recognises rate limits in all their forms, then refuses here until the time that GitHub named
//	etags      asks for every kept answer whether it still holds; never serves one by age
//	redirect   follows reads; a write only on 307 and 308 on the same host, with its method and body
//	budget     counts requests, points and writes; reads what is left of the hour
//	auth       a token, or an App's installation whose hourly token it renews
//	wire       our name, the whole body within a limit, GitHub's clock
//
// The deadline stands within turns, so that ten writes that queue up are not all late because the first waits: the time in the queue is
// bounded by the context alone. The budget stands within redirect and etags, so that it counts what is really sent.
//
// # Reading what may be old
//
// GitHub answers from replicas that lag by a second as a rule, and by much more on bad days. Three things are done about it. Kept answers
// are always revalidated: GitHub's own "max-age=60" hides a bot's own claim from it for a minute. The newest updated_at, id of a status
// and id of an event that were seen are remembered, and an answer that goes back behind them is read again and then refused. And a list of
// several pages, which may come from several replicas, is read in pages that overlap.
//
// # Time
//
// Now is GitHub's, by the Date of its last answer and the monotonic clock. Limits are reckoned from the Date of the answer which named
// them. No decision compares the local wall clock with a time of GitHub's.
package hub
