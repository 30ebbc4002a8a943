package operations

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"latchkey/bridge"
)

// rawMost is the length of a raw query.
const rawMost = 32 << 10

// rawCalls are the calls `graphql` and `request` of a vendor that has them. Both
// read unless the kept parser, or the method, says otherwise; writes need
// raw_writes, which the engine judges.
func rawCalls(p bridge.Profile, cloud bridge.Cloud, has []bridge.Call) (calls []bridge.Call) {
	named := func(name string) bool {
		return slices.ContainsFunc(has, func(c bridge.Call) bool { return c.Name == name })
	}
	if p.GraphQL != "" && !named("graphql") {
		calls = append(calls, rawGraphQL(p, cloud))
	}
	if p.Request != nil && !named("request") {
		calls = append(calls, rawRequest(*p.Request, cloud))
	}
	return calls
}

func rawGraphQL(p bridge.Profile, cloud bridge.Cloud) bridge.Call {
	return bridge.Call{
		Name: "graphql", Summary: "one GraphQL document as it is; data and errors are the result",
		Args: []bridge.Arg{{Name: "query", Type: bridge.ArgText, Min: 1, Max: rawMost}, {Name: "variables", Type: bridge.ArgJSON, Optional: true}},
		Raw: func(args bridge.Args) (bridge.Effect, error) {
			d, err := rawDocument(args)
			if err != nil {
				return bridge.Writes, err
			}
			return d.effect(), nil
		},
		Do: func(ctx context.Context, order bridge.Order) (any, error) {
			d, err := rawDocument(order.Args)
			if err != nil {
				return nil, unsent(err)
			}
			body := map[string]any{"query": d.text}
			if variables, _ := order.Args["variables"].(map[string]any); len(variables) > 0 {
				body["variables"] = variables
			}
			request := bridge.Request{Method: "POST", Path: p.GraphQL, JSON: body}
			return rawSend(ctx, cloud, request, d.effect())
		},
	}
}

func rawDocument(args bridge.Args) (*document, error) {
	switch args["variables"].(type) {
	case nil, map[string]any:
	default:
		return nil, errors.New("variables are an object")
	}
	return parseDocument(args.Text("query"))
}

func rawRequest(rules bridge.RawRequest, cloud bridge.Cloud) bridge.Call {
	return bridge.Call{
		Name: "request", Summary: "one HTTP request below base_url",
		Args: []bridge.Arg{
			{Name: "method", Type: bridge.ArgText, OneOf: []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}, Min: 1, Max: 8},
			{Name: "path", Type: bridge.ArgText, Min: 1, Max: 2048},
			{Name: "json", Type: bridge.ArgJSON, Optional: true},
		},
		Raw: func(args bridge.Args) (bridge.Effect, error) {
			return rawEffect(args), rawPath(rules, args)
		},
		Do: func(ctx context.Context, order bridge.Order) (any, error) {
			if err := rawPath(rules, order.Args); err != nil {
				return nil, unsent(err)
			}
			request := bridge.Request{Method: order.Args.Text("method"), Path: order.Args.Text("path"), Accept: rules.Media}
			if body := order.Args["json"]; body != nil {
				request.JSON, request.Media = body, rules.Media
			}
			return rawSend(ctx, cloud, request, rawEffect(order.Args))
		},
	}
}

func rawEffect(args bridge.Args) bridge.Effect {
	switch args.Text("method") {
	case "GET", "HEAD":
		return bridge.Reads
	}
	return bridge.Writes
}

// rawPath keeps a path below base_url and out of where the vendor's tokens are
// made, however it is encoded.
func rawPath(rules bridge.RawRequest, args bridge.Args) error {
	path := args.Text("path")
	u, err := url.Parse(path)
	if err != nil || u.IsAbs() || u.Host != "" || u.Fragment != "" || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }) {
		return errors.New("the path must begin with / and stay on the cloud's host")
	}
	if err := stays(u.EscapedPath()); err != nil {
		return err
	}
	plain := u.Path
	for range 3 { // encoded twice is still the same place to a careless proxy
		plain, err = url.PathUnescape(plain)
		if err != nil {
			break
		}
		for _, denied := range rules.Deny {
			if !strings.HasPrefix(strings.ToLower(collapse(plain))+"/", strings.TrimSuffix(strings.ToLower(denied), "/")+"/") {
				continue
			}
			return errors.New("requests below " + denied + " are latchkey's own")
		}
	}
	return nil
}

// collapse takes empty segments out, as many servers do.
func collapse(path string) string {
	return "/" + strings.Join(strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' }), "/")
}

// rawSend sends and returns the whole reply. Only a write's errors are failures
// here: who reads wants to see them.
func rawSend(ctx context.Context, cloud bridge.Cloud, request bridge.Request, effect bridge.Effect) (any, error) {
	send := cloud.Read
	if effect == bridge.Writes {
		send = cloud.Act
	}
	reply, err := send(ctx, request)
	if err != nil {
		return nil, explain(err)
	}
	as := &operation{Operation: bridge.Operation{Write: effect == bridge.Writes}}
	if effect == bridge.Reads {
		if as.ok, err = compile("true"); err != nil {
			return nil, err
		}
	}
	r, err := judge(ctx, as, reply)
	if err != nil {
		return nil, err
	}
	return r.shown(true), nil
}
