package engine_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"latchkey/bridge"
	"latchkey/bridge/engine"
)

func newTable() (*engine.Engine, *engine.Table) {
	e := engine.New(engine.Options{Topics: topics})
	return e, e.Table()
}

func state(topic, payload string) bridge.Message {
	return bridge.Message{Topic: topic, Payload: []byte(payload), Stage: bridge.StageState}
}

func event(topic, payload string) bridge.Message {
	return bridge.Message{Topic: topic, Payload: []byte(payload), Stage: bridge.StageEvent}
}

// said writes messages as "topic=payload".
func said(messages []bridge.Message) (list []string) {
	for _, m := range messages {
		list = append(list, m.Topic+"="+string(m.Payload))
	}
	return list
}

func wantSaid(t *testing.T, what string, got []bridge.Message, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, said(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestTable(t *testing.T) {
	t.Run("newest only, unchanged not again", func(t *testing.T) {
		_, table := newTable()
		table.Put(state("a", "1"), state("b", "1"), state("a", "2"))
		select {
		case <-table.Changed():
		default:
			t.Error("no signal")
		}
		wantSaid(t, "first drain", table.Drain(), "a=2", "b=1")
		table.Put(state("a", "2"))
		wantSaid(t, "after no change", table.Drain())
		wantSaid(t, "all", table.All(), "a=2", "b=1")
	})
	t.Run("order of stages", func(t *testing.T) {
		e, table := newTable()
		e.Subscribing()
		table.Drain()
		at := func(s bridge.Stage) bridge.Message {
			return bridge.Message{Topic: fmt.Sprint(s), Payload: []byte("x"), Stage: s}
		}
		table.Put(event("e1", "x"), at(bridge.StagePicture), at(bridge.StageState), at(bridge.StageDocument), at(bridge.StageAvailability), at(bridge.StageBridge))
		table.Clear("gone")
		table.Put(event("e2", "x"))
		wantSaid(t, "drain", table.Drain(), "0=x", "1=x", "2=x", "3=x", "gone=", "5=x", "e1=x", "e2=x")
		want := []string{"0=x", "1=x", "2=x", topics.BridgeInfo(), "3=x", "gone=", "5=x"}
		got := said(table.All())
		got[3] = topics.BridgeInfo()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("all holds no events (-want +got):\n%s", diff)
		}
	})
	t.Run("results before all that waits", func(t *testing.T) {
		e, table := newTable()
		e.Subscribing()
		table.Drain()
		result := func(topic string) bridge.Message {
			return bridge.Message{Topic: topic, Payload: []byte("ok"), Stage: bridge.StageResult}
		}
		table.Put(state("a", "1"), event("e", "x"), result("r1"))
		wantSaid(t, "urgent", table.Urgent(), "r1=ok")
		wantSaid(t, "urgent again", table.Urgent())
		table.Put(result("r2"))
		wantSaid(t, "drain", table.Drain(), "r2=ok", "a=1", "e=x")
		wantSaid(t, "after it", table.Urgent())
	})
	t.Run("cleared until it is acknowledged", func(t *testing.T) {
		_, table := newTable()
		table.Put(state("a", "1"))
		table.Clear("a")
		wantSaid(t, "a lost link sends it again", table.All(), "a=")
		sent := table.All()
		table.Sent(sent[0])
		wantSaid(t, "acknowledged", table.All())
	})
	t.Run("put again while the clearing is on its way", func(t *testing.T) {
		_, table := newTable()
		table.Clear("a")
		sent := table.Drain()
		table.Put(state("a", "2"))
		table.Sent(sent[0])
		wantSaid(t, "all", table.All(), "a=2")
	})
	t.Run("cleared again while the clearing is on its way", func(t *testing.T) {
		_, table := newTable()
		table.Clear("a")
		first := table.Drain()
		table.Put(state("a", "2"))
		table.Clear("a")
		second := table.Drain()
		table.Sent(first[0])
		wantSaid(t, "not acknowledged yet", table.All(), "a=")
		table.Sent(second[0])
		wantSaid(t, "acknowledged", table.All())
	})
	t.Run("an empty payload clears", func(t *testing.T) {
		_, table := newTable()
		table.Put(state("a", ""))
		if got := table.Drain(); len(got) != 1 || got[0].Stage != bridge.StageClear {
			t.Errorf("got %v, want one of StageClear", got)
		}
	})
	t.Run("events need a link, and the oldest give way", func(t *testing.T) {
		e, table := newTable()
		table.Put(event("e", "before"))
		e.Subscribing()
		table.Drain()
		for i := range 1030 {
			table.Put(event("e", fmt.Sprint(i)))
		}
		if got := table.Drain(); len(got) != 1024 || string(got[0].Payload) != "6" {
			t.Errorf("%d events from %s, want 1024 from 6", len(got), got[0].Payload)
		}
		table.Put(event("e", "waiting"))
		e.Lost(context.Canceled)
		wantSaid(t, "after the link was lost", table.Drain())
		if got := e.Counts().DroppedEvents; got != 8 {
			t.Errorf("%d events dropped, want 8", got)
		}
	})
}

// TestTableAgreesWithABroker drives the table and a broker that may lose the link
// between any two steps; in the end the broker holds what was put.
func TestTableAgreesWithABroker(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		_, table := newTable()
		want, held := map[string]string{}, map[string]string{}
		var flight []bridge.Message // sent, not acknowledged
		send := func(messages []bridge.Message) {
			for _, m := range messages {
				if m.Stage == bridge.StageClear {
					delete(held, m.Topic)
				} else {
					held[m.Topic] = string(m.Payload)
				}
			}
			flight = append(flight, messages...)
		}
		topic := rapid.SampledFrom([]string{"a", "b", "c"})
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				k, v := topic.Draw(rt, "topic"), rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "value")
				table.Put(state(k, v))
				want[k] = v
			},
			"clear": func(rt *rapid.T) { k := topic.Draw(rt, "topic"); table.Clear(k); delete(want, k) },
			"drain": func(*rapid.T) { send(table.Drain()) },
			"ack": func(rt *rapid.T) {
				if len(flight) > 0 {
					table.Sent(flight[0])
					flight = flight[1:]
				}
			},
			"lost": func(rt *rapid.T) {
				flight = nil
				if rapid.Bool().Draw(rt, "drained in vain") {
					table.Drain()
				}
				send(table.All())
			},
		})
		send(table.Drain())
		if diff := cmp.Diff(want, held); diff != "" {
			rt.Fatalf("the broker holds (-want +got):\n%s", diff)
		}
		for _, m := range flight {
			table.Sent(m)
		}
		if got := len(table.All()); got != len(want) {
			rt.Fatalf("the table keeps %d messages, want %d: a clearing is forgotten when it is acknowledged", got, len(want))
		}
	})
}
