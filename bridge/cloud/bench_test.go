package cloud_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/cloud"
)

// What a command costs over bare net/http, on a kept-alive loopback connection.
func BenchmarkCommand(b *testing.B) {
	base, _ := serve(b, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	body := []byte(`{"relay":1}`)
	b.Run("cloud", func(b *testing.B) {
		c := open(b, base, func(o *cloud.Options) { o.Tokens = fixed{bridge.Bearer{Token: bridge.NewSecret("t")}} })
		b.ReportAllocs()
		for b.Loop() {
			ctx := bridge.NewPermit(time.Now().Add(5*time.Second), 1).With(b.Context())
			if _, err := c.Act(ctx, bridge.Request{Path: "/open", JSON: body}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("net/http", func(b *testing.B) {
		client := &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		b.ReportAllocs()
		for b.Loop() {
			r, err := http.NewRequestWithContext(b.Context(), "POST", base+"/open", bytes.NewReader(body))
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer t")
			r.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(r)
			if err != nil {
				b.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
}

type fixed struct{ b bridge.Bearer }

func (f fixed) Bearer(context.Context, string) (bridge.Bearer, error) { return f.b, nil }
func (fixed) Refused(bridge.Bearer)                                   {}
