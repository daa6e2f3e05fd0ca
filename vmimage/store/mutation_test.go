package store

import (
	"testing"

	"github.com/cyborg-bots/cyborg/selftest/mutant"
)

// without is a mutant of one file of this package, noticed by its tests.
func without(safeguard, file, from, to, tests string) mutant.Mutant {
	return mutant.Mutant{
		Safeguard: safeguard, Edits: []mutant.Edit{{File: "vmimage/store/" + file, From: from, To: to}},
		Packages: []string{"vmimage/store"}, Tests: tests,
	}
}

// ofGit is a mutant of the set of disks that git refers to.
func ofGit(safeguard, from, to string) mutant.Mutant {
	return mutant.Mutant{
		Safeguard: safeguard, Edits: []mutant.Edit{{File: "agent/cmd/cyborg/imageprune.go", From: from, To: to}},
		Tags: "libvirt_dlopen", Packages: []string{"agent/cmd/cyborg"}, Tests: "TestScripts/image$",
	}
}

// mutants are the safeguards of disks, one switched off at a time.
func mutants() []mutant.Mutant {
	return []mutant.Mutant{
		// What is used is what is named.
		without("the sum of what arrives", "fetch.go", `got != disk.Digest {`, `got == "" {`, "TestRefused"),
		without("the sum of what is here", "checked.go", `got != disk.Digest {`, `got == "" {`, "TestCacheDecays|TestAddWrong"),
		without("a disk stands for itself", "fetch.go", `vmimage.CheckDisk(t.file.Name())`, `t.file.Stat()`, "TestHostFile"),
		without("what was seen is void after a change", "checked.go", `return was == now && age`, `return now.Size >= 0 && age`, "TestCacheDecays"),
		without("a sum of all parts, also of those that came before", "transfer.go", `h.Write(own[:n])`, ``, "TestResume$"),
		without("a damaged part is fetched anew", "fetch.go", `if !begun {`, `if begun || !begun {`, "TestResumeDamaged"),
		without("the largest disk", "fetch.go", `size > c.o.Largest`, `false`, "TestRefused"),
		without("the range that was asked for", "web.go", `resp.StatusCode == http.StatusPartialContent && !strings`, `false && !strings`, "TestFaults/another_range"),
		// Once, and on from where it was.
		without("one fetches", "cache.go", `lock.Take(ctx, c.aside(disk, "lock"), lock.Alone, func() { tell(Waiting, 0, 0) })`,
			`os.CreateTemp(c.dir, "")`, "TestOnce"),
		without("what has arrived is written down", "transfer.go", `t.journal.add(part)`, `error(nil)`, "TestResume$|TestKilled"),
		without("what is zero takes no room", "transfer.go", `for end < len(data) && !zero(`, `for end < len(data) && len(data) > 0 || false && !zero(`, "TestGet"),
		without("room is looked for beforehand", "fetch.go", `c.space(partial, size)`, `error(nil)`, "TestNoRoom"),
		// Uploads.
		without("what was uploaded is read back", "upload.go", `if got := hex.EncodeToString(h.Sum(nil)); got != disk.Digest {`, `if false { got := ""`, "TestUploadUnlucky|TestS3Corrupt"),
		without("a folder creates once", "folder.go", `os.Link(aside, path)`, `os.Rename(aside, path)`, "TestUploadRace"),
		{Safeguard: "a bucket creates once", Edits: []mutant.Edit{{File: "publish/s3/ranges.go", From: `o.SetMatchETagExcept("*")`}},
			Packages: []string{"vmimage/store"}, Tests: "TestS3Race"},
		// What goes, and what stays.
		without("what git refers to stays", "shelf.go", `item.Needed = needed[item.Disk]`, ``, "TestPruneShelf"),
		without("nobody knows, nothing goes", "shelf.go", `if len(needed) == 0 && len(have.items) > 0 {`, `if false {`, "TestPruneNobodyKnows"),
		without("a disk stays for its time", "plan.go", `!i.Holding && i.Idle >= r.age()`, `!i.Holding`, "TestPruneShelf"),
		without("its grace, when room is needed", "plan.go", `!i.Holding && i.Idle >= r.grace()`, `!i.Holding`, "TestPlan|TestPruneFull"),
		without("git is asked again before anything goes", "shelf.go", `if needed[removal.Disk] {`, `if false {`, "TestPruneRaces"),
		without("needed again, its time begins anew", "shelf.go", `case item.Needed && marked:`, `case false:`, "TestPruneShelf"),
		without("uploaded again, its time begins anew", "upload.go", `to.Delete(ctx, disk.File()+unusedEnding); err`, `error(nil); err`, "TestPruneUpload"),
		without("who uploads at this moment is seen", "shelf.go", `_, err := s.Size(ctx, mark); errors`, `err := error(nil); errors`, "TestPruneUpload"),
		without("the alarm of a store", "shelf.go", `if short > 0 && r.Room > 0 {`, `if false {`, "TestPruneFull"),
		ofGit("all branches", `for _, b := range branches {`, `for _, b := range branches[:1] {`),
		ofGit("pull requests", `for _, p := range snapshot.Pulls {`, `for _, p := range snapshot.Pulls[:0] {`),
		without("what is in use stays here", "prune.go", `lock.Now(f, lock.Alone)`, `lock.Now(f, lock.Shared)`, "TestPruneCache"),
		without("what was made here makes no room", "room.go", `items[n].Holding = err == nil`, `items[n].Holding = err != nil`, "TestEvict"),
		without("who makes a disk is left alone", "workspace.go", `if err != nil || !free {`, `if err != nil || !free && dir == "" {`, "TestWorkspace"),
	}
}

// TestMutations: each safeguard of disks switched off makes a test fail; see package mutant.
func TestMutations(t *testing.T) { mutant.Run(t, mutants()) }
