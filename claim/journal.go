package claim

// A Journal keeps what a bot has claimed where it survives the bot, so that its next start can give it back at once instead of
// letting everybody wait for the lease to end.
type Journal interface {
	Begin(e Entry) error    // before the claim is posted; the claim is not posted if this fails
	End(nonce string) error // the claim is over
}

// An Entry is one claim in a Journal.
type Entry struct {
	Subject Subject
	Name    string
	Nonce   string
}

type noJournal struct{}

func (noJournal) Begin(Entry) error { return nil }
func (noJournal) End(string) error  { return nil }

var _ Journal = noJournal{}
