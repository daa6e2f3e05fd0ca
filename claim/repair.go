package claim

// Repair gives the mark to post if people see something else than the truth: GitHub shows the newest record, and a bot
// that was paused for too long may have posted one which does not count.
//
//   - There is a result, and the newest record says something else: an exact copy of the result.
//   - There is none, and the newest record looks like one: a note, without which a scan that reads newest records only would never
//     look at the job again.
//
// Words that no bot writes are left alone, whoever wrote them: they may be a person's, or a newer version's.
func (v Verdict) Repair() (Mark, bool) {
	if v.Newest.ID == 0 || v.Newest.Kind == KindOther || v.Newest.Kind == KindHold {
		return Mark{}, false
	}
	if v.State == Done {
		m := v.Result
		m.ID = 0
		return m, !v.Newest.same(v.Result)
	}
	if !v.Newest.Terminal() || v.Newest.Kind == KindRelease {
		return Mark{}, false
	}
	return Mark{Kind: KindNote, State: "pending", Human: Waiting("a result came too late, and does not count"), URL: v.Newest.URL}, true
}

// NeedsRepair tells whether Board.Show has something to do.
func (v Verdict) NeedsRepair() bool {
	_, needed := v.Repair()
	return needed
}
