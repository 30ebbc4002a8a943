package bridge_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"latchkey/bridge"
)

// Every way of printing a secret, also inside other values, gives the mask or an
// address: never the text.
func TestSecretNeverPrints(t *testing.T) {
	const canary = "CANARY-5f2b"
	type exported struct{ Token bridge.Secret }
	type hidden struct{ token bridge.Secret }
	s := bridge.NewSecret(canary)

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%p", "%t"} {
		for _, v := range []any{s, &s, exported{s}, &exported{s}, hidden{s}, &hidden{s}, []bridge.Secret{s}, map[string]bridge.Secret{"k": s}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "s", s, "in", exported{s}, slog.Group("g", "s", s))
	}
	encoded, err := json.Marshal(map[string]any{"s": s, "in": exported{s}, "hidden": hidden{s}})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(encoded)

	if strings.Contains(out.String(), canary) || strings.Contains(out.String(), fmt.Sprintf("%x", canary)) {
		t.Errorf("a secret was printed:\n%s", out.String())
	}
	if !strings.Contains(out.String(), "***") {
		t.Error("nothing was masked: the test looks at the wrong output")
	}
	if s.Reveal() != canary {
		t.Errorf("Reveal() = %q, want the text", s.Reveal())
	}
}

func TestSecretEqualAndEmpty(t *testing.T) {
	a, b := bridge.NewSecret("a"), bridge.NewSecret("b")
	if !a.Equal(bridge.NewSecret("a")) || a.Equal(b) || a.Equal(bridge.Secret{}) {
		t.Error("Equal does not compare the texts")
	}
	if !(bridge.Secret{}).Empty() || !bridge.NewSecret("").Empty() || a.Empty() {
		t.Error("Empty is wrong")
	}
}
