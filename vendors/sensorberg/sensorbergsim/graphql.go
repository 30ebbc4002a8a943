package sensorbergsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"mime"
	"net/http"
	"slices"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"latchkey/bridge/simkit"
)

// schema is all that is simulated: a Relay connection, an interface, a union and
// one mutation. Documents are validated against it.
const schema = `
enum DemoKind { DOOR LOCKER_BOX }
interface DemoUnit { id: ID! label: String! kind: DemoKind! available: Boolean! }
type DemoDoor implements DemoUnit { id: ID! label: String! kind: DemoKind! available: Boolean! }
type DemoLockerBox implements DemoUnit { id: ID! label: String! kind: DemoKind! available: Boolean! }
type DemoUnitEdge { cursor: String! node: DemoUnit! }
type DemoUnitConnection { edges: [DemoUnitEdge!]! pageInfo: DemoPageInfo! }
type DemoPageInfo { hasNextPage: Boolean! endCursor: String }
type DemoApp { uid: ID! }
type DemoPerson { id: ID! name: String! }
union DemoViewer = DemoApp | DemoPerson
type DemoOpening { id: ID! state: String! }
type Query { demoUnits(first: Int, after: String, kind: DemoKind): DemoUnitConnection! demoUnit(id: ID!): DemoUnit demoViewer: DemoViewer! }
type Mutation { demoOpenUnit(unitId: ID!, note: String): DemoOpening }
`

// question is the body of a request.
type question struct {
	Query         string         `json:"query"`
	Variables     map[string]any `json:"variables"`
	OperationName string         `json:"operationName"`
}

func (s *Sim) graphql(r *http.Request, g simkit.Grant) *simkit.Answer {
	var q question
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	if err := d.Decode(&q); err != nil || kind != "application/json" || q.Query == "" {
		return simkit.JSON(http.StatusBadRequest, map[string]any{"errors": []any{map[string]any{"message": "Want a query in a JSON body"}}})
	}
	types, err := gqlparser.LoadSchema(&ast.Source{Input: schema})
	if err != nil {
		panic(fmt.Sprintf("sensorbergsim: the schema is broken: %v", err))
	}
	op, vars, errs := understand(types, q)
	if len(errs) > 0 {
		return simkit.JSON(http.StatusOK, map[string]any{"errors": errs})
	}
	run := &run{types: types, vars: vars}
	root := s.query(g)
	if op.Operation == ast.Mutation {
		root = s.mutation()
	}
	answer := map[string]any{"data": run.fields(op.SelectionSet, root, nil)}
	if len(run.errs) > 0 {
		answer["errors"] = run.errs
	}
	return simkit.JSON(http.StatusOK, answer)
}

func understand(types *ast.Schema, q question) (*ast.OperationDefinition, map[string]any, gqlerror.List) {
	doc, errs := gqlparser.LoadQueryWithRules(types, q.Query, rules.NewDefaultRules())
	if len(errs) > 0 {
		return nil, nil, errs
	}
	op := doc.Operations.ForName(q.OperationName)
	if op == nil {
		return nil, nil, gqlerror.List{gqlerror.Errorf("no such operation")}
	}
	vars, err := validator.VariableValues(types, op, q.Variables)
	if bad, ok := errors.AsType[*gqlerror.Error](err); ok {
		return nil, nil, gqlerror.List{bad}
	} else if err != nil {
		return nil, nil, gqlerror.List{gqlerror.Errorf("%v", err)}
	}
	return op, vars, nil
}

// object is a value with fields: each gives a plain value, an object, or a list of
// objects. The field __typename names its type.
type object map[string]func(args map[string]any) (any, error)

func typed(name string, fields object) object {
	fields["__typename"] = plain(name)
	return fields
}

func plain(v any) func(map[string]any) (any, error) {
	return func(map[string]any) (any, error) { return v, nil }
}

func (s *Sim) query(g simkit.Grant) object {
	return typed("Query", object{
		"demoUnits": s.connection,
		"demoUnit": func(args map[string]any) (any, error) {
			i := s.find(fmt.Sprint(args["id"]))
			if i < 0 {
				return nil, problem{code: "not_found", title: "There is no such unit"}.graphql()
			}
			return s.units[i].node(), nil
		},
		"demoViewer": func(map[string]any) (any, error) {
			if g.User == "" {
				return typed("DemoApp", object{"uid": plain(g.Client)}), nil
			}
			return typed("DemoPerson", object{"id": plain(g.Of), "name": plain(g.User)}), nil
		},
	})
}

func (s *Sim) mutation() object {
	return typed("Mutation", object{"demoOpenUnit": func(args map[string]any) (any, error) {
		note, _ := args["note"].(string)
		n, refused := s.move(fmt.Sprint(args["unitId"]), note)
		if refused != nil {
			return nil, refused.graphql()
		}
		return typed("DemoOpening", object{"id": plain(fmt.Sprint(n)), "state": plain(s.state(n))}), nil
	}})
}

// connection is a page of units, as Relay wants it.
func (s *Sim) connection(args map[string]any) (any, error) {
	after, _ := args["after"].(string)
	if after != "" && s.find(after) < 0 {
		return nil, problem{code: "argument_error", title: "after is no cursor"}.graphql()
	}
	most := math.MaxInt
	if n, err := json.Number(fmt.Sprint(args["first"])).Int64(); err == nil && n >= 0 {
		most = int(n)
	}
	page, more := s.after(after, most, func(u Unit) bool { return args["kind"] == nil || args["kind"] == string(u.Kind) })
	var edges []object
	info := typed("DemoPageInfo", object{"hasNextPage": plain(more), "endCursor": plain(nil)})
	for _, u := range page {
		edges = append(edges, typed("DemoUnitEdge", object{"cursor": plain(u.ID), "node": plain(u.node())}))
		info["endCursor"] = plain(u.ID)
	}
	return typed("DemoUnitConnection", object{"edges": plain(edges), "pageInfo": plain(info)}), nil
}

func (u Unit) node() object {
	name := "DemoDoor"
	if u.Kind == LockerBox {
		name = "DemoLockerBox"
	}
	return typed(name, object{"id": plain(u.ID), "label": plain(u.Label), "kind": plain(string(u.Kind)), "available": plain(!u.Closed)})
}

// graphql is the problem as an entry of `errors`.
func (p problem) graphql() *gqlerror.Error {
	return &gqlerror.Error{Message: p.title, Extensions: map[string]any{"code": p.code}}
}

// run carries one operation out.
type run struct {
	types *ast.Schema
	vars  map[string]any
	errs  gqlerror.List
}

// fields resolves a selection of an object.
func (r *run) fields(set ast.SelectionSet, of object, path ast.Path) map[string]any {
	out := map[string]any{}
	r.into(out, set, of, path)
	return out
}

func (r *run) into(out map[string]any, set ast.SelectionSet, of object, path ast.Path) {
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.InlineFragment:
			if r.is(of, sel.TypeCondition) {
				r.into(out, sel.SelectionSet, of, path)
			}
		case *ast.FragmentSpread:
			if r.is(of, sel.Definition.TypeCondition) {
				r.into(out, sel.Definition.SelectionSet, of, path)
			}
		case *ast.Field:
			out[sel.Alias] = r.field(sel, of, append(slices.Clone(path), ast.PathName(sel.Alias)))
		}
	}
}

// is tells whether an object is of a type, an interface or a union; "" is any.
func (r *run) is(of object, condition string) bool {
	name, _ := of["__typename"](nil)
	return condition == "" || condition == name || slices.ContainsFunc(r.types.PossibleTypes[condition], func(d *ast.Definition) bool { return d.Name == name })
}

func (r *run) field(sel *ast.Field, of object, path ast.Path) any {
	resolve := of[sel.Name]
	if resolve == nil {
		resolve = func(map[string]any) (any, error) { return nil, fmt.Errorf("%s is not simulated", sel.Name) }
	}
	v, err := resolve(sel.ArgumentMap(r.vars))
	if err != nil {
		told := gqlerror.WrapPath(path, err)
		if known, ok := errors.AsType[*gqlerror.Error](err); ok {
			told.Message, told.Extensions = known.Message, known.Extensions
		}
		r.errs = append(r.errs, told)
		return nil
	}
	switch v := v.(type) {
	case object:
		return r.fields(sel.SelectionSet, v, path)
	case []object:
		all := make([]any, len(v))
		for i, one := range v {
			all[i] = r.fields(sel.SelectionSet, one, append(slices.Clone(path), ast.PathIndex(i)))
		}
		return all
	}
	return v
}
