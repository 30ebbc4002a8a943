package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"time"

	"latchkey/bridge"
)

// pagesMost bounds how long a list goes on.
const pagesMost = 100

// unsent is the error of a request that could not be made.
func unsent(err error) error {
	return &bridge.Failure{Reason: bridge.ReasonMalformed, Message: "not sent: " + err.Error()}
}

func reasonOf(err error) bridge.Reason {
	if f, ok := errors.AsType[*bridge.Failure](err); ok {
		return f.Reason
	}
	return ""
}

// run carries an operation out once and reports what follows from it.
func (x *extension) run(ctx context.Context, o *operation, d *bridge.Device, args bridge.Args, report bridge.Report) (outcome, error) {
	for name, rule := range o.Operation.Args {
		if err := within(rule, args[name]); err != nil {
			return outcome{}, unsent(fmt.Errorf("argument %s: %w", name, err))
		}
	}
	device, err := x.device(ctx, o, d, report)
	if err != nil {
		return outcome{}, err
	}
	var result outcome
	if o.Write {
		result, err = x.write(ctx, o, device, args)
	} else {
		result, err = x.read(ctx, o, device, args)
	}
	if err != nil {
		return outcome{}, err
	}
	if o.yields() {
		list, err := x.devices(ctx, o, d, result.items)
		if err != nil {
			return outcome{}, err
		}
		report(list)
	}
	x.feed(ctx, o, d, result, report)
	return result, nil
}

// device is what the request's programs see as .device.
func (x *extension) device(ctx context.Context, o *operation, d *bridge.Device, report bridge.Report) (subject, error) {
	if d == nil {
		if o.readsDevice {
			return subject{}, &bridge.Failure{Reason: bridge.ReasonUnknownTarget, Message: fmt.Sprintf("not sent: operation %q needs a device: use an entity that calls it", o.name)}
		}
		return subject{}, nil
	}
	lister := x.lister(*d)
	if lister == nil {
		return subject{original(*d), facts(*d)}, nil
	}
	id := listedID(*d)
	if known, ok := x.item(d.ID); ok {
		return subject{id, known.device}, nil
	}
	if !o.readsItem {
		if id == nil {
			id = original(*d)
		}
		text, err := encodeBody(map[string]any{"id": id})
		return subject{id, text}, err
	}
	// Not listed since the start: reading the list is cheap, guessing is not.
	if lister.For == "" && argName(lister.args, required(lister.args)) == "" {
		if _, err := x.run(ctx, lister, nil, lister.defaults(), report); err != nil {
			return subject{}, &bridge.Failure{Reason: bridge.ReasonOffline, Message: fmt.Sprintf("not sent: the list of devices %q could not be read", lister.name)}
		}
		if known, ok := x.item(d.ID); ok {
			return subject{id, known.device}, nil
		}
	}
	return subject{}, &bridge.Failure{Reason: bridge.ReasonOffline, Message: fmt.Sprintf("not sent: the device is not in the list %q, or that has not been read since the start", lister.name)}
}

// write sends at most one request.
func (x *extension) write(ctx context.Context, o *operation, device subject, args bridge.Args) (outcome, error) {
	request, err := x.request(ctx, o, device, args, nil)
	if err != nil {
		return outcome{}, unsent(err)
	}
	reply, err := x.cloud.Act(ctx, request)
	if err != nil {
		return outcome{}, explain(err)
	}
	return judge(ctx, o, reply)
}

// read asks for all pages.
func (x *extension) read(ctx context.Context, o *operation, device subject, args bridge.Args) (outcome, error) {
	all := outcome{items: []json.RawMessage{}}
	var page any
	for range pagesMost {
		request, err := x.request(ctx, o, device, args, page)
		if err != nil {
			return outcome{}, unsent(err)
		}
		reply, err := x.cloud.Read(ctx, request)
		if err != nil {
			return outcome{}, explain(err)
		}
		one, err := judge(ctx, o, reply)
		if err != nil {
			return outcome{}, err
		}
		if all.items = append(all.items, one.items...); len(all.items) > outputsMost {
			return outcome{}, badReply(reply, "the list has more than %d items", outputsMost)
		}
		if o.next == nil {
			one.items = all.items
			return one, nil
		}
		next, err := o.turn(ctx, reply)
		switch {
		case err != nil:
			return outcome{}, badReply(reply, "%v", err)
		case next == nil:
			return all.listed()
		case reflect.DeepEqual(next, page):
			return outcome{}, badReply(reply, "the list goes on with the same page for ever")
		}
		page = next
	}
	return outcome{}, &bridge.Failure{Reason: bridge.ReasonRejected, Message: fmt.Sprintf("the list has more than %d pages", pagesMost)}
}

// turn gives the next page; nil: there is none.
func (o *operation) turn(ctx context.Context, reply bridge.Reply) (any, error) {
	value, err := decode(reply.Body)
	if err != nil {
		return nil, err
	}
	goesOn := true
	if o.more != nil {
		more, _, err := o.more.one(ctx, value)
		if err != nil {
			return nil, err
		}
		goesOn = more != nil && more != false
	}
	if !goesOn {
		return nil, nil
	}
	if value, err = decode(reply.Body); err != nil {
		return nil, err
	}
	next, _, err := o.next.one(ctx, value)
	switch {
	case err != nil:
		return nil, err
	case next != nil && next != "" && next != false:
		return next, nil
	case o.more != nil:
		return nil, errors.New("there are more pages, and page.next gives none")
	}
	return nil, nil
}

// request builds one request.
func (x *extension) request(ctx context.Context, o *operation, device subject, args bridge.Args, page any) (request bridge.Request, err error) {
	env := &environment{x.account, device, args, page, time.Now()}
	if o.document != nil {
		variables := map[string]any{}
		if o.variables != nil {
			v, _, err := env.run(ctx, o.variables)
			if err != nil {
				return bridge.Request{}, err
			}
			ok := false
			if variables, ok = v.(map[string]any); !ok {
				return bridge.Request{}, fmt.Errorf("jq %s: variables are an object", o.variables.short())
			}
		}
		body, err := o.document.body(variables)
		return bridge.Request{Method: "POST", Path: x.graphql, JSON: body}, err
	}
	request = bridge.Request{Method: o.target.method, Media: o.Media, Accept: o.Media}
	if next, ok := page.(string); ok && !o.readsPage {
		if request.Path, err = x.linked(next); err != nil {
			return bridge.Request{}, err
		}
	} else if page != nil && !o.readsPage {
		return bridge.Request{}, errors.New("page.next gives no URL, and nothing uses .page")
	} else if request.Path, request.Query, err = o.target.fill(ctx, env); err != nil {
		return bridge.Request{}, err
	}
	if o.body == nil {
		return request, nil
	}
	body, ok, err := env.run(ctx, o.body)
	if err == nil && !ok {
		err = fmt.Errorf("jq %s: gives no body", o.body.short())
	}
	if err != nil {
		return bridge.Request{}, err
	}
	request.JSON, err = encodeBody(body)
	return request, err
}

// linked resolves the link to the next page on the host of base_url. The cloud's
// client refuses any other host as well.
func (x *extension) linked(next string) (string, error) {
	base, err := url.Parse(x.base)
	if err != nil {
		return "", errors.New("base_url is no URL")
	}
	if !strings.HasSuffix(base.Path, "/") {
		base.Path += "/"
	}
	u, err := base.Parse(next)
	if err != nil || u.Scheme != base.Scheme || !strings.EqualFold(u.Host, base.Host) || u.User != nil || dotted(u.EscapedPath()) {
		return "", errors.New("the link to the next page leads to another host")
	}
	u.Fragment = ""
	return u.String(), nil
}

// required is the index of the first argument without a default, -1: none.
func required(args []bridge.Arg) int {
	for i, a := range args {
		if !a.Optional {
			return i
		}
	}
	return -1
}
