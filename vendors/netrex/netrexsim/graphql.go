package netrexsim

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"latchkey/bridge/simkit"
)

// question is the body of a request to the API.
type question struct {
	Query         string         `json:"query"`
	Variables     map[string]any `json:"variables"`
	OperationName string         `json:"operationName"`
}

// graphql is the API's one endpoint.
func (s *Sim) graphql(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		fault(w, http.StatusMethodNotAllowed, "POST a query")
		return
	}
	g, ok := s.bearer(r)
	if !ok {
		s.unknown(w)
		return
	}
	set := s.now()
	var q question
	dec := json.NewDecoder(r.Body)
	dec.UseNumber()
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err := dec.Decode(&q); media != "application/json" || err != nil || q.Query == "" {
		fault(w, http.StatusBadRequest, "no query in a JSON body")
		return
	}
	if set.NoVariables {
		q.Variables = nil
	}
	op, vars, errs := s.understand(q)
	if len(errs) > 0 {
		simkit.JSON(cmp.Or(set.ErrorStatus, http.StatusOK), map[string]any{"errors": errs}).Send(w)
		return
	}
	run := &run{sim: s, set: set, base: simkit.Base(r), grant: g, vars: vars}
	root := run.query()
	if op.Operation == ast.Mutation {
		root = run.mutation()
	}
	answer := map[string]any{"data": run.fields(op.SelectionSet, root, nil)}
	if len(run.errs) > 0 {
		answer["errors"] = run.errs
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(answer) // maps, lists and plain values
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body.Bytes())
}

// understand parses and validates a question.
func (s *Sim) understand(q question) (*ast.OperationDefinition, map[string]any, gqlerror.List) {
	doc, errs := gqlparser.LoadQueryWithRules(s.schema, q.Query, rules.NewDefaultRules())
	if len(errs) > 0 {
		return nil, nil, errs
	}
	op := doc.Operations.ForName(q.OperationName)
	if op == nil {
		return nil, nil, gqlerror.List{gqlerror.Errorf("no such operation")}
	}
	vars, err := validator.VariableValues(s.schema, op, q.Variables)
	if bad, ok := errors.AsType[*gqlerror.Error](err); ok {
		return nil, nil, gqlerror.List{bad}
	} else if err != nil {
		return nil, nil, gqlerror.List{gqlerror.Errorf("%v", err)}
	}
	return op, vars, nil
}

// unknown answers no, a dead or a revoked bearer.
func (s *Sim) unknown(w http.ResponseWriter) {
	switch s.now().Dead {
	case Dead403:
		fault(w, http.StatusForbidden, "Access denied.")
	case DeadErrors:
		fault(w, http.StatusOK, "The access token is not valid.")
	case DeadPage:
		page(w, http.StatusOK, "Sign in")
	default:
		fault(w, http.StatusUnauthorized, "The access token is not valid.")
	}
}

func fault(w http.ResponseWriter, status int, message string) {
	simkit.JSON(status, map[string]any{"errors": []any{map[string]any{"message": message}}}).Send(w)
}

// run carries one operation out.
type run struct {
	sim   *Sim
	set   Settings
	base  string // of the request, for addresses in the answer
	grant simkit.Grant
	vars  map[string]any
	errs  gqlerror.List
}

// object gives the value of a field: nil, a plain value, an object, or a list of
// objects.
type object map[string]func(args map[string]any) (any, error)

// fields resolves a selection of an object.
func (r *run) fields(set ast.SelectionSet, of object, path ast.Path) map[string]any {
	out := map[string]any{}
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.InlineFragment:
			for k, v := range r.fields(sel.SelectionSet, of, path) {
				out[k] = v
			}
		case *ast.FragmentSpread:
			for k, v := range r.fields(sel.Definition.SelectionSet, of, path) {
				out[k] = v
			}
		case *ast.Field:
			here := append(append(ast.Path{}, path...), ast.PathName(sel.Alias))
			resolve := of[sel.Name]
			if resolve == nil {
				resolve = func(map[string]any) (any, error) { return nil, fmt.Errorf("%s is not simulated", sel.Name) }
			}
			v, err := resolve(sel.ArgumentMap(r.vars))
			if err != nil {
				r.errs = append(r.errs, &gqlerror.Error{Message: err.Error(), Path: here,
					Locations: []gqlerror.Location{{Line: sel.Position.Line, Column: sel.Position.Column}}})
				v = nil
			}
			out[sel.Alias] = r.value(sel.SelectionSet, v, here)
		}
	}
	return out
}

func (r *run) value(set ast.SelectionSet, v any, path ast.Path) any {
	switch v := v.(type) {
	case object:
		return r.fields(set, v, path)
	case []object:
		if len(v) == 0 && r.set.NullLists {
			return nil
		}
		all := make([]any, len(v))
		for i, one := range v {
			all[i] = r.fields(set, one, append(append(ast.Path{}, path...), ast.PathIndex(i)))
		}
		return all
	}
	return v
}

// plain is a field without arguments.
func plain(v any) func(map[string]any) (any, error) {
	return func(map[string]any) (any, error) { return v, nil }
}

// integer reads a coerced Int argument.
func integer(v any) int64 {
	n, _ := v.(int64)
	return n
}
