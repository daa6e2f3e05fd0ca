// Package deps brings the dependencies of a project up to date: what the task deps-refresh does.
//
// # One pull request
//
// What comes of one run is one commit: all minor and patch releases that are due, of all modules in the repository, at
// most [Settings.Limit] of them. A person who wants another group names it: "deps-refresh golang.org/x/*", "deps-refresh
// go". A release is due when
//
//   - it is newer than what is required, and neither a prerelease nor retracted by its authors;
//   - it was published [Settings.Age] ago: what is malicious or broken is mostly found in its first days. The day is the
//     one that the registry names, which for Go is the commit's, so that this is against accidents more than against
//     people who write false dates;
//   - it promises to be compatible: v0 and v1 differ, for npm also 0.2 and 0.3. "deps-refresh major NAME" takes the rest. A
//     Go module of another major version has another path, which code must be changed for: that is people's work;
//   - the module is not replaced, nor among [Settings.Ignore].
//
// Only what the project itself requires is looked at; what that requires moves along with it. Each update is made on its
// own, and one that cannot be made is left out and named: it does not exist in full, or it wants a newer language version
// than the project says, which would be a decision about the project's users.
//
// # Who does it
//
// The tools themselves: go and npm. They are asked for what there is ("go list -m -u -versions"), and they make the change
// ("go get", "go mod tidy"), so that nothing here has its own idea of a go.sum. They are run by [Runner], in the place where
// tasks run, with arguments as lists, with a cache of their own, with the registries as the only hosts that they need, and
// so that they run nothing of what they fetch: no install script of npm, no version control of go, no other toolchain.
//
// # Foreign text
//
// Why a version was retracted, what a module is deprecated for, and where its source lies, is written by its authors, and
// goes into a commit message, where GitHub would act on it: "Fixes #1" closes an issue, "@name" calls somebody, "[skip ci]"
// switches tests off, a line with a colon is a trailer. [Plain] leaves words of it, in one line, cut.
package deps
