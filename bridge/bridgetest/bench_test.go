package bridgetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"latchkey/bridge"
)

// told is a test that only takes down what it is told.
type told struct {
	testing.TB
	errors int
}

func (t *told) Helper()               {}
func (t *told) Errorf(string, ...any) { t.errors++ }

// opens is a vendor with one call and one task.
type opens struct{ bridge.Options }

func (opens) Open(bridge.Settings, bridge.Env) (bridge.Account, error) {
	return bridge.Account{
		Calls: []bridge.Call{{Name: "open", Args: []bridge.Arg{{Name: "door", Type: bridge.ArgInt, Default: int64(1)}}, Effect: bridge.Writes,
			Do: func(ctx context.Context, o bridge.Order) (any, error) { return o.Args.Int("door"), bridge.Take(ctx) }}},
		Tasks: []bridge.Task{{Name: "look", Every: time.Minute}},
	}, nil
}

// What the engine would refuse fails a test, and nothing else does.
func TestBench(t *testing.T) {
	gate := bridge.Device{ID: "gate", Entities: []bridge.Entity{
		{ID: "relay_1", Kind: bridge.Button, Verbs: []bridge.Verb{{Says: "PRESS", Call: "open", Args: bridge.Args{"door": int64(1)}}}}, {ID: "ring", Kind: bridge.Event, Options: []string{"ring"}},
		{ID: "mode", Kind: bridge.Select, Options: []string{"day"}}, {ID: "live", Kind: bridge.ImageKind}, {ID: "connection", Kind: bridge.BinarySensor, OfState: true}}}
	of := func(entity string) bridge.Ref { return bridge.Ref{Device: "gate", Entity: entity} }
	with := func(e ...bridge.Entity) bridge.Fact {
		return bridge.Devices{All: []bridge.Device{{ID: "other", Entities: e}}}
	}
	for _, c := range []struct {
		fact bridge.Fact
		want int
	}{
		{bridge.State{Ref: of("mode"), Value: bridge.Text("day")}, 0}, {bridge.State{Ref: of("mode")}, 0}, {bridge.State{Ref: of("mode"), Value: bridge.Text("noon")}, 1},
		{bridge.State{Ref: of("live"), Attributes: map[string]any{"a": 1}}, 0}, {bridge.State{Ref: of("live"), Value: bridge.Text("x")}, 1},
		{bridge.State{Ref: of("connection"), Value: bridge.Bool(true)}, 1}, {bridge.State{Ref: of("nothing")}, 1},
		{bridge.Happened{Ref: of("ring"), Type: "ring"}, 0}, {bridge.Happened{Ref: of("ring"), Type: "song"}, 1}, {bridge.Happened{Ref: of("live")}, 1},
		{bridge.Picture{Ref: of("live")}, 0}, {bridge.Picture{Ref: of("ring")}, 1}, {bridge.Picture{Ref: of("nothing")}, 1},
		{bridge.Reach{Device: "gate"}, 0}, {bridge.Reach{Device: "shed"}, 1}, {bridge.Due{Task: "look"}, 0}, {bridge.Due{Task: "listen"}, 1},
		{with(), 0}, {with(bridge.Entity{ID: "A"}), 1}, {with(bridge.Entity{ID: "state"}), 1}, {with(bridge.Entity{ID: "a"}, bridge.Entity{ID: "a"}), 1},
		{with(bridge.Entity{ID: "a", Verbs: []bridge.Verb{{Call: "shut"}}}), 1}, {with(bridge.Entity{ID: "a", Verbs: []bridge.Verb{{Call: "open", Args: bridge.Args{"gate": 1}}}}), 1},
	} {
		heard := &told{TB: t}
		b := Open(heard, opens{}, bridge.Settings{}, bridge.Env{})
		b.Report(c.fact) // before there is a list nothing is judged but the list
		early := heard.errors
		if _, list := c.fact.(bridge.Devices); !list && early != 0 {
			t.Errorf("%+v: refused before there is a list", c.fact)
		}
		b.Report(bridge.Devices{Source: "gates", All: []bridge.Device{gate}}, c.fact)
		if got := heard.errors - early; got != c.want {
			t.Errorf("%+v: refused %d times, want %d", c.fact, got, c.want)
		}
		if n := len(b.Take()); n != 3 || len(b.Take()) != 0 {
			t.Errorf("%d facts, want 3, once", n)
		}
	}
	b := Open(t, opens{}, bridge.Settings{}, bridge.Env{})
	for args, want := range map[string]bridge.Args{"1": nil, "2": {"door": int64(2)}} {
		if got, err := b.Call("open", want); fmt.Sprint(got) != args || err != nil {
			t.Errorf("open %v: %v, %v", want, got, err)
		}
	}
}
