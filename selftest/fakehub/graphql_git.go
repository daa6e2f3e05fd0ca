package fakehub

import (
	"strings"
	"time"
	"unicode/utf8"

	graphql "github.com/graph-gophers/graphql-go"
)

// A gqlRef answers the fields of Ref.
type gqlRef struct {
	g    *gql
	r    *repo
	full string
	oid  string
}

// ref is a reference by its full name as the viewer's replica has it; nil if there is none.
func (g *gql) ref(r *repo, full string) *gqlRef {
	oid := r.refAt(full, g.rq.asOf(refDomain))
	if oid == "" {
		return nil
	}
	return &gqlRef{g, r, full, oid}
}

func (r *gqlRef) Id() graphql.ID       { return gqlNamedID("Ref", r.r, r.full) }
func (r *gqlRef) Repository() *gqlRepo { return r.g.repo(r.r) }
func (r *gqlRef) Target() *gqlObject   { return r.g.object(r.r, r.oid) }
func (r *gqlRef) Name() string         { return strings.TrimPrefix(r.full, r.Prefix()) }

// Prefix is refs/heads/ or the like.
func (r *gqlRef) Prefix() string {
	parts := strings.SplitAfterN(r.full, "/", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[0] + parts[1]
}

// A gqlObject is a git object of any kind. What it is made of is read only when
// a field asks for it.
type gqlObject struct {
	g    *gql
	r    *repo
	oid  string
	read object // kind "" as long as nothing was read
}

func (g *gql) object(r *repo, oid string) *gqlObject {
	return &gqlObject{g: g, r: r, oid: oid}
}

// Object finds an object by name, or by an expression such as main, v1.0^{} or main:README.md.
func (r *gqlRepo) Object(args struct {
	Expression *string
	Oid        *gqlScalar
},
) *gqlObject {
	oid := ""
	switch {
	case args.Oid != nil:
		oid = string(*args.Oid)
	case args.Expression != nil:
		oid = r.g.resolve(r.r, *args.Expression)
	}
	o := r.g.object(r.r, oid)
	if !isSHA(oid) || o.load().kind == "" {
		return nil
	}
	return o
}

// resolve finds the object that an expression names, "" if none.
func (g *gql) resolve(r *repo, expression string) string {
	rev, path, hasPath := strings.Cut(expression, ":")
	oid := rev
	if ref := g.repo(r).Ref(struct{ QualifiedName string }{rev}); ref != nil {
		oid = ref.oid // an annotated tag stays one
	} else if !isSHA(rev) {
		var err error
		if oid, err = r.resolve(g.rq.ctx, rev, g.rq.asOf(refDomain)); err != nil {
			return ""
		}
	}
	if !hasPath {
		return oid
	}
	commit := g.object(r, oid).asCommit()
	if commit == nil {
		return ""
	}
	if path == "" {
		return commit.load().Tree
	}
	entry, err := lookup(g.rq.ctx, r.git, commit.oid, path)
	if err != nil {
		return ""
	}
	return entry.SHA
}

// load reads the object; its kind stays "" if there is none.
func (o *gqlObject) load() object {
	if o.read.kind == "" {
		if got, err := o.r.git.read(o.g.rq.ctx, o.oid); err == nil {
			o.read = got
		}
	}
	return o.read
}

// asCommit peels tags off; nil if there is no commit inside.
func (o *gqlObject) asCommit() *gqlCommit {
	for range 10 {
		switch o.load().kind {
		case "commit":
			return &gqlCommit{gqlObject: o}
		case "tag":
			t, err := parseTag(o.oid, o.read.data)
			if err != nil {
				return nil
			}
			o = o.g.object(o.r, t.Object)
		default:
			return nil
		}
	}
	return nil
}

func (o *gqlObject) Oid() gqlScalar         { return gqlScalar(o.oid) }
func (o *gqlObject) AbbreviatedOid() string { return o.oid[:7] }
func (o *gqlObject) Repository() *gqlRepo   { return o.g.repo(o.r) }
func (o *gqlObject) Id() graphql.ID {
	kind := o.load().kind
	if kind == "" {
		kind = "commit"
	}
	return gqlNamedID(strings.ToUpper(kind[:1])+kind[1:], o.r, o.oid)
}

func (o *gqlObject) CommitResourcePath() gqlScalar {
	return gqlScalar("/" + o.r.fullName() + "/commit/" + o.oid)
}
func (o *gqlObject) CommitUrl() gqlScalar {
	return gqlScalar(o.g.rq.site.html) + o.CommitResourcePath()
}

func (o *gqlObject) ToCommit() (*gqlCommit, bool) {
	return &gqlCommit{gqlObject: o}, o.load().kind == "commit"
}
func (o *gqlObject) ToTree() (*gqlObject, bool) { return o, o.load().kind == "tree" }
func (o *gqlObject) ToBlob() (*gqlBlob, bool)   { return &gqlBlob{o}, o.load().kind == "blob" }
func (o *gqlObject) ToTag() (*gqlTag, bool)     { return &gqlTag{gqlObject: o}, o.load().kind == "tag" }

// A gqlBlob answers the fields of Blob.
type gqlBlob struct{ *gqlObject }

func (b *gqlBlob) ByteSize() int32   { return int32(len(b.load().data)) }
func (b *gqlBlob) IsTruncated() bool { return false }
func (b *gqlBlob) IsBinary() *bool {
	return new(strings.ContainsRune(string(b.load().data), 0) || !utf8.Valid(b.load().data))
}

// Text is null for binary data.
func (b *gqlBlob) Text() *string {
	if *b.IsBinary() {
		return nil
	}
	return new(string(b.load().data))
}

// A gqlTag answers the fields of an annotated Tag.
type gqlTag struct {
	*gqlObject
	tag *gitTag
}

func (t *gqlTag) parsed() gitTag {
	if t.tag == nil {
		got, _ := parseTag(t.oid, t.load().data) // what git stored as a tag parses
		t.tag = &got
	}
	return *t.tag
}

func (t *gqlTag) Name() string         { return t.parsed().Name }
func (t *gqlTag) Message() *string     { return new(t.parsed().Message) }
func (t *gqlTag) Tagger() *gqlGitActor { return t.g.person(t.parsed().Tagger) }
func (t *gqlTag) Target() *gqlObject   { return t.g.object(t.r, t.parsed().Object) }

// A gqlCommit answers the fields of Commit.
type gqlCommit struct {
	*gqlObject
	commit *gitCommit
}

// load reads and parses the commit.
func (c *gqlCommit) load() gitCommit {
	if c.commit == nil {
		got, _ := parseCommit(c.oid, c.gqlObject.load().data) // what git stored as a commit parses
		c.commit = &got
	}
	return *c.commit
}

func (c *gqlCommit) Author() *gqlGitActor    { return c.g.person(c.load().Author) }
func (c *gqlCommit) Committer() *gqlGitActor { return c.g.person(c.load().Committer) }
func (c *gqlCommit) AuthoredDate() gqlScalar { return gqlTime(c.load().Author.When) }
func (c *gqlCommit) CommittedDate() gqlScalar {
	return gqlTime(c.load().Committer.When)
}
func (c *gqlCommit) Message() string { return strings.TrimSuffix(c.load().Message, "\n") }
func (c *gqlCommit) MessageHeadline() string {
	line, _, _ := strings.Cut(c.load().Message, "\n")
	return line
}

func (c *gqlCommit) MessageBody() string {
	_, rest, _ := strings.Cut(c.load().Message, "\n")
	return strings.TrimSpace(rest)
}
func (c *gqlCommit) ResourcePath() gqlScalar { return c.CommitResourcePath() }
func (c *gqlCommit) Url() gqlScalar          { return c.CommitUrl() }
func (c *gqlCommit) Tree() *gqlObject        { return c.g.object(c.r, c.load().Tree) }

// Parents are the commits it was made on.
func (c *gqlCommit) Parents(args gqlPage) (*gqlConn[*gqlCommit], error) {
	list := gqlList[string]{items: c.load().Parents, key: indexKey}
	return gqlConnect(list, args, func(oid string) *gqlCommit {
		return &gqlCommit{gqlObject: c.g.object(c.r, oid)}
	})
}

// A gqlGitActor is an author or committer.
type gqlGitActor struct {
	g *gql
	p gitPerson
}

func (g *gql) person(p gitPerson) *gqlGitActor { return &gqlGitActor{g, p} }

func (a *gqlGitActor) Name() *string  { return &a.p.Name }
func (a *gqlGitActor) Email() *string { return &a.p.Email }
func (a *gqlGitActor) Date() *gqlScalar {
	return new(gqlScalar(a.p.When.Format(time.RFC3339)))
}

// User is the account which has the address, if any.
func (a *gqlGitActor) User() *gqlActor {
	for _, u := range a.g.rq.s.users {
		if a.p.Email != "" && strings.EqualFold(u.email, a.p.Email) && u.kind == "User" {
			return a.g.actor(u)
		}
	}
	return nil
}
