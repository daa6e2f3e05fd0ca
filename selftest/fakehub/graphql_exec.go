package fakehub

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime/debug"

	"github.com/vektah/gqlparser/v2/ast"
)

// A gqlExec executes a query which was parsed and validated before, for
// simulations (virtual git): servers with real repositories use the library's.
//
// It is here because a scan of 100 pull requests has 20,000 values, simulations
// make thousands of scans, and the library's executor takes four times as long
// and makes five times the garbage. It works on the very same resolvers, and a
// test holds its answers against those of the library for every kind of query.
type gqlExec struct {
	ctx    context.Context
	types  *ast.Schema
	vars   map[string]any
	out    []byte
	faults []gqlFault
}

// run executes an operation and gives its data, null if a value that must be
// there is not. A panic of a resolver is an error of the query.
func (e *gqlExec) run(g *gql, plan *gqlPlan) (data json.RawMessage) {
	defer func() {
		if r := recover(); r != nil {
			g.rq.s.log.ErrorContext(e.ctx, "query panicked", "panic", r, "stack", string(debug.Stack()))
			e.faults = append(e.faults, gqlFault{Message: "Something went wrong while executing your query."})
			data = json.RawMessage("null")
		}
	}()
	e.out = make([]byte, 0, 4096)
	e.object(plan, reflect.ValueOf(&gqlRoot{}), nil)
	return e.out
}

// A gqlPlan is how objects of one type answer one selection. It is made once
// for all objects in a list.
type gqlPlan struct {
	kind   *ast.Definition
	fields []*gqlField
}

// A gqlField is one member of an answer.
type gqlField struct {
	*ast.Field
	key   []byte           // `"alias":`
	set   ast.SelectionSet // of all fields with this alias
	below []*gqlPlan       // by type: one, but for interfaces and unions
	how   []*gqlAccess     // by Go type: one, but for those
	name  string           // of the type, for __typename; else ""
}

// plan collects the fields of a selection as they apply to one type.
func (e *gqlExec) plan(kind *ast.Definition, set ast.SelectionSet) *gqlPlan {
	p := &gqlPlan{kind: kind}
	e.collect(p, set)
	return p
}

func (e *gqlExec) collect(p *gqlPlan, set ast.SelectionSet) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			if e.wanted(s.Directives) {
				p.add(s)
			}
		case *ast.InlineFragment:
			if e.wanted(s.Directives) && e.applies(s.TypeCondition, p.kind) {
				e.collect(p, s.SelectionSet)
			}
		case *ast.FragmentSpread:
			if e.wanted(s.Directives) && e.applies(s.Definition.TypeCondition, p.kind) {
				e.collect(p, s.Definition.SelectionSet)
			}
		}
	}
}

// add enters a field; one with the alias of another is merged into it, as the
// validator made sure that they are the same.
func (p *gqlPlan) add(f *ast.Field) {
	for _, have := range p.fields {
		if have.Alias == f.Alias {
			have.set = append(have.set[:len(have.set):len(have.set)], f.SelectionSet...)
			return
		}
	}
	field := &gqlField{Field: f, key: []byte(`"` + f.Alias + `":`), set: f.SelectionSet}
	if f.Name == "__typename" {
		field.name = p.kind.Name
	}
	p.fields = append(p.fields, field)
}

// wanted obeys @skip and @include.
func (e *gqlExec) wanted(list ast.DirectiveList) bool {
	for _, d := range list {
		on, _ := d.ArgumentMap(e.vars)["if"].(bool)
		if d.Name == "skip" && on || d.Name == "include" && !on {
			return false
		}
	}
	return true
}

// applies says whether a fragment on a type is one on kind too.
func (e *gqlExec) applies(condition string, kind *ast.Definition) bool {
	if condition == "" || condition == kind.Name {
		return true
	}
	for _, possible := range e.types.PossibleTypes[condition] {
		if possible == kind {
			return true
		}
	}
	return false
}

// A gqlPath is where in the answer a value is.
type gqlPath struct {
	parent *gqlPath
	key    any // an alias or an index
}

func (p *gqlPath) list() []any {
	if p == nil {
		return nil
	}
	return append(p.parent.list(), p.key)
}

// null is what stands for a value that is not there. It says whether it may.
func (e *gqlExec) null(mark int, kind *ast.Type) bool {
	e.out = append(e.out[:mark], "null"...)
	return !kind.NonNull
}

// object writes an object. False means that a value is missing which must be
// there, so that the object is null as a whole.
func (e *gqlExec) object(p *gqlPlan, v reflect.Value, at *gqlPath) bool {
	mark := len(e.out)
	e.out = append(e.out, '{')
	for i, f := range p.fields {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		e.out = append(e.out, f.key...)
		if f.name != "" {
			e.out = appendJSON(e.out, f.name)
			continue
		}
		if !e.field(f, v, at) {
			e.out = append(e.out[:mark], "null"...)
			return false
		}
	}
	e.out = append(e.out, '}')
	return true
}

// field resolves a field of an object and writes it.
func (e *gqlExec) field(f *gqlField, v reflect.Value, at *gqlPath) bool {
	how, err := e.howTo(f, v.Type())
	if err != nil {
		return e.fail(f, err, at)
	}
	got, err := how.get(e.ctx, v)
	if err != nil {
		return e.fail(f, err, at)
	}
	if how.leaf {
		return e.leaf(got, f.Definition.Type)
	}
	return e.value(f, got, f.Definition.Type, &gqlPath{at, f.Alias})
}

func (e *gqlExec) fail(f *gqlField, err error, at *gqlPath) bool {
	path := &gqlPath{at, f.Alias}
	fault := gqlFaultOf(err, path.list())
	if f.Position != nil {
		fault.Locations = []gqlLocation{{f.Position.Line, f.Position.Column}}
	}
	e.faults = append(e.faults, fault)
	return e.null(len(e.out), f.Definition.Type)
}

// leaf writes a scalar or enum.
func (e *gqlExec) leaf(v reflect.Value, kind *ast.Type) bool {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return e.null(len(e.out), kind)
		}
		v = v.Elem()
	}
	e.out = appendScalar(e.out, v)
	return true
}

// value writes a value of any type.
func (e *gqlExec) value(f *gqlField, v reflect.Value, kind *ast.Type, at *gqlPath) bool {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return e.null(len(e.out), kind)
		}
	}
	if kind.Elem != nil {
		return e.list(f, v, kind, at)
	}
	def := e.types.Types[kind.NamedType]
	if def.IsLeafType() {
		return e.leaf(v, kind)
	}
	if def.IsAbstractType() {
		var found bool
		if v, def, found = e.concrete(v, def); !found {
			return e.null(len(e.out), kind)
		}
	}
	return e.object(e.planOf(f, def), v, at) || !kind.NonNull
}

// planOf is the plan of a field's objects of one type.
func (e *gqlExec) planOf(f *gqlField, def *ast.Definition) *gqlPlan {
	for _, p := range f.below {
		if p.kind == def {
			return p
		}
	}
	p := e.plan(def, f.set)
	f.below = append(f.below, p)
	return p
}

// howTo is how the field is got from values of a Go type.
func (e *gqlExec) howTo(f *gqlField, t reflect.Type) (*gqlAccess, error) {
	for _, how := range f.how {
		if how.of == t {
			return how, nil
		}
	}
	how, err := e.access(f, t)
	if err == nil {
		f.how = append(f.how, how)
	}
	return how, err
}

// list writes a list. A missing entry makes it null if entries must be there.
func (e *gqlExec) list(f *gqlField, v reflect.Value, kind *ast.Type, at *gqlPath) bool {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	mark := len(e.out)
	e.out = append(e.out, '[')
	for i := range v.Len() {
		if i > 0 {
			e.out = append(e.out, ',')
		}
		if !e.value(f, v.Index(i), kind.Elem, &gqlPath{at, i}) {
			return e.null(mark, kind)
		}
	}
	e.out = append(e.out, ']')
	return true
}

// concrete asks a value of an interface or union what it is.
func (e *gqlExec) concrete(v reflect.Value, def *ast.Definition) (reflect.Value, *ast.Definition, bool) {
	if a, isActor := v.Interface().(*gqlActor); isActor { // thousands of them, and the same for each type
		return v, e.types.Types[a.u.kind], true
	}
	for _, possible := range e.types.PossibleTypes[def.Name] {
		as := v.MethodByName("To" + possible.Name)
		if !as.IsValid() {
			continue
		}
		if got := as.Call(nil); got[1].Bool() {
			return got[0], possible, true
		}
	}
	return v, def, false
}

// A gqlAccess is how a field is got from values of a Go type: it is a field of
// the struct, or a method with or without arguments.
type gqlAccess struct {
	of     reflect.Type
	index  []int
	method int
	in     []reflect.Value // arguments after the receiver, but for the context
	ctx    bool
	fails  bool // the second result is an error
	leaf   bool // a scalar or enum
}

// get gives the value; a resolver's error is the query's.
func (a *gqlAccess) get(ctx context.Context, v reflect.Value) (reflect.Value, error) {
	if a.index != nil {
		return v.Elem().FieldByIndex(a.index), nil
	}
	in := a.in
	if a.ctx {
		in = append([]reflect.Value{reflect.ValueOf(ctx)}, in...)
	}
	got := v.Method(a.method).Call(in)
	if a.fails && !got[1].IsNil() {
		return got[0], got[1].Interface().(error) //nolint:errcheck,forcetypeassert // it is one
	}
	return got[0], nil
}

// access finds out how, and reads the arguments.
func (e *gqlExec) access(f *gqlField, t reflect.Type) (*gqlAccess, error) {
	a := &gqlAccess{of: t, method: -1, leaf: f.Definition.Type.Elem == nil && e.types.Types[f.Definition.Type.NamedType].IsLeafType()}
	for i := range t.NumMethod() {
		if sameName(t.Method(i).Name, f.Name) {
			a.method = i
		}
	}
	if a.method < 0 {
		field, ok := t.Elem().FieldByNameFunc(func(name string) bool { return sameName(name, f.Name) })
		if !ok {
			return nil, fmt.Errorf("resolve %s: %s has no such field", f.Name, t)
		}
		a.index = field.Index
		return a, nil
	}
	m := t.Method(a.method).Type
	a.fails = m.NumOut() == 2
	for i := 1; i < m.NumIn(); i++ {
		if m.In(i) == reflect.TypeFor[context.Context]() {
			a.ctx = true
			continue
		}
		args := reflect.New(m.In(i))
		raw, err := json.Marshal(e.arguments(f))
		if err == nil {
			err = json.Unmarshal(raw, args.Interface())
		}
		if err != nil {
			return nil, fmt.Errorf("read arguments of %s: %w", f.Name, err)
		}
		a.in = append(a.in, args.Elem())
	}
	return a, nil
}

// arguments are the values of a field's arguments, with defaults.
func (e *gqlExec) arguments(f *gqlField) map[string]any {
	given := f.ArgumentMap(e.vars)
	for _, d := range f.Definition.Arguments {
		if v, ok := given[d.Name]; ok {
			given[d.Name] = e.coerce(v, d.Type)
		}
	}
	return given
}

// coerce makes a list of a single value where one is wanted, and gives members
// of input objects their defaults, as the specification has it.
func (e *gqlExec) coerce(v any, kind *ast.Type) any {
	if v == nil {
		return nil
	}
	if kind.Elem != nil {
		list := reflect.ValueOf(v) // variables may have been made lists of another type before
		if list.Kind() != reflect.Slice {
			return []any{e.coerce(v, kind.Elem)}
		}
		out := make([]any, list.Len())
		for i := range out {
			out[i] = e.coerce(list.Index(i).Interface(), kind.Elem)
		}
		return out
	}
	in, isObject := v.(map[string]any)
	if !isObject {
		return v
	}
	out := make(map[string]any, len(in))
	for _, f := range e.types.Types[kind.NamedType].Fields {
		if member, ok := in[f.Name]; ok {
			out[f.Name] = e.coerce(member, f.Type)
		} else if f.DefaultValue != nil {
			if usual, err := f.DefaultValue.Value(nil); err == nil {
				out[f.Name] = e.coerce(usual, f.Type)
			}
		}
	}
	return out
}
