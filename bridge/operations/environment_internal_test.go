package operations

import (
	"encoding/json"
	"math/big"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge"
)

// TestLook compares the short way of plain paths with jq's.
func TestLook(t *testing.T) {
	t.Parallel()
	env := &environment{
		account: map[string]any{"id": "bench"},
		device:  subject{text: json.RawMessage(`{"id": 12345678901234567890123, "name": "Ü", "n": -7, "f": 1.50, "on": false, "none": null, "in": {"er": "x", "and": "y"}, "list": [1]}`)},
		args:    bridge.Args{"text": "a/b", "yes": true, "n": int64(-3), "f": 2.0, "json": map[string]any{"a": 1}},
		at:      time.Now(),
	}
	for _, row := range []struct {
		text  string
		short bool
	}{
		{".device.id", true}, {" .device.name\n", true}, {".device.n", true}, {".device.f", true}, {".device.on", true},
		{".device.in.er", true}, {".device.in.and", true},
		{".args.text", true}, {".args.yes", true}, {".args.n", true},
		{".device", false}, {".device.none", false}, {".device.gone", false}, {".device.gone.deeper", false}, {".device.in", false}, {".device.list", false},
		{".device.name.deeper", false}, {".device.list.deeper", false},
		{".args.f", false}, {".args.json", false}, {".args.json.a", false}, {".args.gone", false}, {".args", false},
		{".account.id", false}, {".page", false}, {".now", false}, {".device.n + 1", false}, {".device?.n", false},
	} {
		t.Run(row.text, func(t *testing.T) {
			t.Parallel()
			p, err := compile(row.text)
			if err != nil {
				t.Fatal(err)
			}
			if _, short := env.look(p.path); short != row.short {
				t.Errorf("the short way: got %t, want %t", short, row.short)
			}
			input, err := env.input()
			if err != nil {
				t.Fatal(err)
			}
			want, wantOK, wantErr := p.one(t.Context(), input)
			got, ok, err := env.run(t.Context(), p)
			if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); diff != "" || ok != wantOK || (err == nil) != (wantErr == nil) {
				t.Errorf("(-jq +run):\n%s ok %t, want %t; err %v, want %v", diff, ok, wantOK, err, wantErr)
			}
		})
	}
	if _, found := (&environment{}).look([]string{"device", "id"}); found {
		t.Error("found the id of no device")
	}
}

// The id that is read from the fact is the one that jq finds in the item.
func TestListedID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{`"d1"`, `""`, `"a\"b"`, `"\u00fc"`, `7`, `-7.50`, `12345678901234567890123`, `1e3`} {
		want, err := decode([]byte(id))
		if err != nil {
			t.Fatal(err)
		}
		got := listedID(bridge.Device{Facts: map[string]string{factID: id}})
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })); diff != "" {
			t.Errorf("%s (-jq +read):\n%s", id, diff)
		}
	}
	for _, odd := range []string{"", `"`, `{`} {
		if got := listedID(bridge.Device{Facts: map[string]string{factID: odd}}); got != nil {
			t.Errorf("%q: got %v, want none", odd, got)
		}
	}
}
