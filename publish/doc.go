// Package publish puts what a job says and makes where people read it: the
// log while it runs and afterwards, the results, the artifacts, and one page
// that shows them.
//
// There is no server of ours. A [Store] is any place that keeps named objects
// (a directory, an S3 bucket) and that some web server, or nobody, hands out.
// All that a reader's browser needs lies beside the page, under one prefix
// that nobody can guess and that no other attempt ever uses:
//
//	owner/repo/pull-7/verify/fedora-42/20260131-101500-3f9c…/
//	    log.html              the page; it reads everything below
//	    log.json              index of the log: state, size, chunks (live.go)
//	    log.0-1048576.txt     a chunk, while the job runs
//	    log.txt               the whole log, once the job is over
//	    results.json          what is known of the job and its tests
//	    junit.xml             the same tests for other programs
//	    files/…               artifacts
//
// Beside the attempts a repository has what is made of them: an index for people
// and programs (list.go), and a history for statistics, which outlives the logs
// (history.go). [Prune] deletes what is old:
//
//	owner/repo/index.html, index.json             all attempts, the newest first
//	owner/repo/pull-7/index.html, index.json      those of one pull request
//	owner/repo/attempts/pull-7/20260131-….json    what the indexes are made of
//	owner/repo/history/pull-7/20260131-….jsonl    a line for the attempt, and one for each test
//
// # The way of a byte
//
//	job ─► Attempt.Write ─► Redactor ─► spool (a scratch file) ─► uploader ─► Store
//
// Write never waits for the store and never fails the job: it redacts and
// appends to a scratch file. The uploader reads that file at its own pace, so
// a store that is slow or away costs disk up to the log's limit, not memory
// and not the job's time. A log beyond the limit keeps its beginning and its
// end, and says in the middle how much was cut.
//
// Chunks are flushed after 1 MB or 2 s and merged so that a log of n bytes
// costs O(n log n) bytes sent and O(log n) objects at any time (see plan.go).
// A chunk never changes; log.json alone says which ones count, and is written
// after the chunks it names. A bot that dies leaves everything up to its last
// flush, readable by the same page.
//
// # What may be public
//
// Everything may. Hence nothing leaves before the [Redactor] has seen it, and
// nothing that comes from a job is ever run by a reader's browser: text from
// jobs is set as text, artifacts get names and types that no server and no
// browser takes for a page or a script, and the page's content security policy
// allows its own script alone.
package publish
