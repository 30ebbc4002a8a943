package genericsim

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"latchkey/bridge/simkit"
)

// schema is the whole API. Documents are validated against it.
const schema = `
type Query { units(first: Int = 2, after: String): UnitConnection! unit(id: ID!): Unit }
type Mutation { demoOpen(unit: ID!, note: String): Opening }
type UnitConnection { edges: [UnitEdge!]! pageInfo: PageInfo! }
type UnitEdge { cursor: String! node: Unit! }
type PageInfo { endCursor: String hasNextPage: Boolean! }
type Unit { id: ID! label: String! locked: Boolean! battery: Int! }
type Opening { state: String! }
`

// wrong is an answer of errors alone, with status 200 as GraphQL servers do.
func wrong(code, format string, args ...any) *simkit.Answer {
	return simkit.JSON(http.StatusOK, map[string]any{"data": nil, "errors": []any{
		map[string]any{"message": fmt.Sprintf(format, args...), "extensions": map[string]any{"code": code}}}})
}

func (s *Sim) graphql(r *http.Request) *simkit.Answer {
	var body struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Header.Get("Content-Type") != "application/json" {
		return failed(http.StatusBadRequest, "body", "Want JSON")
	}
	types, err := gqlparser.LoadSchema(&ast.Source{Input: schema})
	if err != nil {
		return failed(http.StatusInternalServerError, "schema", "The simulator is broken")
	}
	document, errs := gqlparser.LoadQueryWithRules(types, body.Query, nil)
	switch {
	case errs != nil:
		return wrong("GRAPHQL_VALIDATION_FAILED", "%s", errs[0].Message)
	case len(document.Operations) != 1:
		return wrong("BAD_REQUEST", "want one operation")
	}
	only := document.Operations[0]
	variables, err := validator.VariableValues(types, only, body.Variables)
	if err != nil {
		return wrong("BAD_USER_INPUT", "%s", err.Error())
	}
	data := map[string]any{}
	for _, selection := range only.SelectionSet {
		field, ok := selection.(*ast.Field)
		if !ok {
			return wrong("BAD_REQUEST", "fragments at the top are not to be had")
		}
		value, refusal := s.resolve(field, variables)
		if refusal != nil {
			return refusal
		}
		data[field.Alias] = chosen(value, field.SelectionSet)
	}
	return simkit.JSON(http.StatusOK, map[string]any{"data": data})
}

func (s *Sim) resolve(field *ast.Field, variables map[string]any) (any, *simkit.Answer) {
	args := field.ArgumentMap(variables)
	text := func(name string) string {
		if args[name] == nil {
			return ""
		}
		return fmt.Sprint(args[name])
	}
	switch field.Name {
	case "units":
		most := 2
		if n, err := json.Number(text("first")).Int64(); err == nil && n > 0 {
			most = min(int(n), s.page)
		}
		page, next := s.after(text("after"), most)
		edges := []any{}
		for _, u := range page {
			edges = append(edges, map[string]any{"cursor": u.ID, "node": u.fields()})
		}
		info := map[string]any{"hasNextPage": next != "", "endCursor": nil}
		if len(page) > 0 {
			info["endCursor"] = page[len(page)-1].ID
		}
		return map[string]any{"edges": edges, "pageInfo": info}, nil
	case "unit":
		if u, ok := s.find(text("id")); ok {
			return u.fields(), nil
		}
		return nil, nil
	case "demoOpen":
		if _, ok := s.find(text("unit")); !ok {
			return nil, wrong("NOT_FOUND", "no such unit")
		}
		s.opened(text("unit"), text("note"))
		return map[string]any{"state": "accepted"}, nil
	}
	return nil, wrong("BAD_REQUEST", "no such field")
}

func (u Unit) fields() map[string]any {
	return map[string]any{"id": u.ID, "label": u.Label, "locked": u.Locked, "battery": u.Battery}
}

// chosen keeps what was asked for.
func chosen(v any, set ast.SelectionSet) any {
	switch v := v.(type) {
	case []any:
		kept := []any{}
		for _, item := range v {
			kept = append(kept, chosen(item, set))
		}
		return kept
	case map[string]any:
		kept := map[string]any{}
		for _, selection := range set {
			if field, ok := selection.(*ast.Field); ok {
				kept[field.Alias] = chosen(v[field.Name], field.SelectionSet)
			}
		}
		return kept
	}
	return v
}
