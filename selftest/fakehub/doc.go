// Package fakehub is a GitHub in one process: REST, GraphQL, git over HTTP and
// a small web view, with every limit, delay and failure that the real one is
// known for. It exists so that bots can be tried, simulated and shown without
// an account, and so that any GitHub client can be pointed at it.
//
// # What it promises
//
// A [Server] is an [http.Handler]. It answers at / as api.github.com does and
// at /api/v3/ as an Enterprise server does, with the key sets, types, orders,
// texts and headers of GitHub. It knows nothing of the client it is used with:
// both are independent witnesses of one interface, and each may be found wrong
// by the other.
//
// # How it is built
//
// The state is a model in memory, guarded by one mutex (model.go). What can be
// changed is a [history] of values with the time each began; what can only be
// added to is a list of [records] with the time each was received and the time
// it becomes visible. A read names the time as of which it looks. A read served
// by a lagging replica therefore is the very same code as a fresh one, and each
// domain (statuses, issues, refs, …) may lag by itself.
//
// A request (request.go) passes through one pipe (api.go): faults drawn, actor,
// route, budgets, handler under the mutex, encoding, ETag, journal, and the
// writing of the answer outside of the mutex. Handlers (rest_*.go) are functions
// from a request to a response and never sleep. Encoders (json_*.go) state
// GitHub's key sets.
//
// Git (git.go) is behind a small interface of objects and references with two
// implementations: bare repositories on disk, which git itself serves, and a
// memory of objects with real names (SHA-1) for simulations, which starts no
// process and runs inside a testing/synctest bubble.
//
// # Time and chance
//
// Time is [time.Now], so a synctest bubble makes it virtual. Chance comes from
// one seeded generator; the same seed and the same order of requests give the
// same faults.
//
// # Looking in
//
// GET /_journal gives each request as a line of JSON, POST /_faults changes the
// faults of a running server. In Go, [Server.Journal], [Server.SetFaults] and
// [Server.Truth] do the same; Truth is the server's own knowledge, without lag,
// and is what a test compares a client's belief with.
package fakehub
