package claimtest_test

import (
	"strings"
	"testing"

	"github.com/cyborg-bots/cyborg/selftest/mutant"
)

// A mutation is one safeguard switched off, and the tests of which at least one must fail then.
type mutation struct {
	safeguard string
	file      string // of package claim
	from, to  string
	tests     string // for -run
}

var mutations = []mutation{
	{"the settle wait", "life_win.go", "return l.pause(l.Settle, l.Settle/4)\n\t}\n\tswitch e.Fault", "return l.pause(0, 0)\n\t}\n\tswitch e.Fault", "TestExplore$|TestSwarms"},
	{"the lowest id has it", "decide.go", "f.racers = append(f.racers, m)", "f.owner = m", "TestDecide$|TestExplore$"},
	{"takeover only after the difference of clocks", "decide.go", "!m.At.After(f.expires.Add(Epsilon(f.owner.Lease))):", "!m.At.After(f.expires):", "TestDecide$"},
	{"a late beat does not count", "decide.go", "if f.owns(m) && !m.At.After(f.expires) {", "if f.owns(m) {", "TestDecide$"},
	{"the fence: a result of an older generation", "decide.go", "case f.owns(m) || f.policy.Racers && f.races(m):", "default:", "TestDecide$|TestExplore$"},
	{"after the result nothing counts", "decide.go", "\tcase f.done():\n\tcase f.owns(m)", "\tcase f.owns(m)", "TestDecide$|TestExplore$"},
	{"only allowed creators count", "decide.go", "if p.counts(list[i]) {", "if true {", "TestDecide$"},
	{"a released claim stays released", "decide.go", "m.Nonce != \"\" && slices.Contains(f.gone, m.Nonce):", "false:", "TestDecide$|TestExplore$"},
	{"a note is no reset", "text.go", "m.Kind = KindNote", "m.Kind = KindReset", "TestParseStatusText|TestReset"},
	{"never start without the own record", "life_win.go", "case old || !there && l.ID != 0:", "case old:", "TestOwnRecordLate"},
	{"never decide on an old list", "life.go", "if newest < l.seen {", "if false {", "TestOldList"},
	{"wait longer when GitHub lags", "life_win.go", "l.Settle = l.longer()", "", "TestOwnRecordLate"},
	{"remember that GitHub lags", "acquire.go", "r.policy.Patience.Violated(e.Elapsed)", "", "TestSettleAdapts"},
	{"the nonce is written down first", "life_win.go", "return l.to(Noting, Request{Do: DoNote})", "l.Sent, l.Beaten, l.Stop = e.Elapsed, e.Elapsed, e.Elapsed+StopAfter(l.lease())\n\treturn l.to(Claiming, l.post(Mark{Kind: KindClaim}))", "TestJournalForgets|TestRestart"},
	{"an ambiguous claim is looked for", "life_win.go", "\t\tl.Phase = Doubting\n\t\treturn l.pause(doubtFor(l.lease())+l.Settle, l.Settle/4)", "\t\treturn l.end(Failed, Verdict{}, \"\")", "TestAmbiguousWrites"},
	{"a doubt lasts until the claim must be there", "life_win.go", "return l.pause(doubtFor(l.lease())+l.Settle, l.Settle/4)", "return l.pause(0, 0)", "TestAmbiguousWrites|TestExplore$"},
	{"stop before the lease is over", "life_keep.go", "if e.Elapsed >= l.Stop {", "if false {", "TestLifeEndsWithItsLease"},
	{"stop in time, with a margin", "policy.go", "return lease - lease/10", "return lease + lease/2", "TestTimings|TestPartition|TestExplore$"},
	{"a clock that runs in the machine's sleep", "keep.go", "go k.watch(work)", "", "TestPaused"},
	{"the lease is not extended without an answer", "life_keep.go", "\tcase FaultAmbiguous:\n", "\tcase FaultAmbiguous:\n\t\tl.renew(e.Now)\n", "TestPartition"},
	{"an error is no loss", "life_keep.go", "\t\tl.Barred = l.Barred || e.Fault == FaultBarred\n\t\treturn l.beat(e)", "\t\treturn l.end(Lost, Verdict{}, \"\")", "TestOutageWithinTheLease|TestSwarms"},
	{"no beats after a refusal", "life_keep.go", "\tcase l.Barred:\n", "\tcase false:\n", "TestTokenRevoked"},
	{"nothing is published after a refusal", "life_close.go", "\tcase e.Kind == OnMissed && e.Fault == FaultBarred:\n\t\treturn l.end(Lost", "\tcase false:\n\t\treturn l.end(Lost", "TestRefusedAtTheEnd"},
	{"a lost claim ends the work", "life_keep.go", "if !v.Mine(l.Nonce) {", "if false {", "TestReset|TestSwarms"},
	{"a result without an answer is looked for", "life_close.go", "\tcase FaultAmbiguous:\n\t\tl.Phase = Confirming\n\t\treturn l.pause(l.retry(e), 0)", "\tcase FaultAmbiguous:\n\t\treturn l.end(Lost, Verdict{}, \"\")", "TestAmbiguousWrites"},
	{"a release that comes late is looked after", "life_close.go", "e.Mark.At.UnixNano() > l.expires:\n\t\t// A peer may have had the subject meanwhile, and then people see this", "false:\n\t\t// A peer may have had the subject meanwhile, and then people see this", "TestLateRelease"},
	{"a claim that is given back late is looked after", "journal.go", "return repair(ctx, b, e.Subject, Decide(marks, now, p))", "return nil", "TestLateReturn"},
	{"a claim that was given back late is repaired by the next start", "journal.go", "\t\treturn repair(ctx, b, e.Subject, v)", "\t\treturn nil", "TestLateReturn"},
	{"beats end before GitHub's ceiling", "policy.go", "quietAt = 900", "quietAt = 2000", "TestCeilingWhileWorking"},
	{"claims end before GitHub's ceiling", "policy.go", "deadAt  = 980", "deadAt  = 2000", "TestCeiling"},
	{"people see the truth", "repair.go", "return m, !v.Newest.same(v.Result)", "return m, false", "TestDecide|TestExplore$|TestStatusBoard|TestSwarms"},
	{"a repair that comes late is looked after", "repair.go", "for range proofs {", "for range 1 {", "TestLateRepair"},
	{"a person's words are not painted over", "repair.go", "v.Newest.Kind == KindOther || ", "", "TestDecide$"},
	{"a release is given back by its nonce", "journal.go", "if known && v.Owner.Nonce != e.Nonce || v.State == Done {", "if known || v.Count >= 0 {", "TestRestart|TestExplore$"},
	{"a living process keeps its claims", "journal_dir.go", "if held, err := lock.Now(f, lock.Alone); !held {", "if _, err := lock.Now(f, lock.Alone); err != nil {", "TestRestart"},
	{"a title that people edit stays", "issues.go", "human := humanPart(renames, issue.Title)", "human := ParseTitle(renames0(renames, issue.Title)).Human", "TestPeopleAndBots"},
	{"a prefix by hand is respected", "issues.go", "if shown.Kind == KindHold || issue.State != \"open\" {", "if false {", "TestIssueNotForBots|TestPeopleAndBots"},
	{"the winner's name is in the title", "issues.go", "if shown.Nonce != v.Owner.Nonce {", "if false {", "TestLoserLeavesTheTitle"},
	{"a finish without an answer is looked for", "issues.go", "ok && m.Kind == KindResult {", "ok && false {", "TestFinishWithoutAnswer"},
	{"one claim publishes", "refs.go", "\t\t{Name: doneRef(t.job), Before: hub.NoObject, After: t.done},\n", "\t\t{Name: doneRef(t.job), Before: hub.NoObject, After: t.done, Force: true},\n\t}[:1])\n\terr = b.hub.UpdateRefs(ctx, b.repo, []hub.RefUpdate{\n", "TestRefBoard|TestAtMostOnce"},
	{"who holds the ref has it", "refs.go", "case !expired(held, marks, now):\n\t\treturn ErrTaken", "case held.ID < 0:", "TestRefIsHeld"},
	{"idle bots take different jobs", "rank.go", "place := ofBot[p.bot].both(ofSubject[p.subject])", "place := ofBot[p.bot].both(nil)", "TestPlaces|TestCollisions"},
}

// TestMutations: each safeguard switched off makes a test fail. It takes minutes, so without CYBORG_MUTATE it only checks that the
// table still speaks of the code as it is.
func TestMutations(t *testing.T) {
	var list []mutant.Mutant
	for _, m := range mutations {
		e := mutant.Edit{File: "claim/" + m.file, From: m.from, To: m.to}
		if strings.Contains(m.to, "renames0") {
			e.Add = "\nfunc renames0(r []rename, t string) string {\n\tif len(r) > 0 {\n\t\treturn r[0].from\n\t}\n\treturn t\n}\n"
		}
		list = append(list, mutant.Mutant{Safeguard: m.safeguard, Edits: []mutant.Edit{e}, Packages: []string{"claim", "claim/claimtest"}, Tests: m.tests})
	}
	mutant.Run(t, list)
}
