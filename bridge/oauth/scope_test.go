package oauth_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"latchkey/bridge/oauth"
)

// A grant narrower than the configuration is told, once: a refresh cannot widen it.
func TestGrantedScope(t *testing.T) {
	const said = "granted another scope"
	for asked, told := range map[string]int{"": 0, "read": 0, "READ/": 0, "read write": 1, "https://h/ cloudSystemId=*": 1} {
		bubble(asked, t, func(t *testing.T) {
			h := start(t, newVendor(), newMemory(), func(_ *oauth.Options, a *oauth.Account) { a.Dialect.Scope = asked })
			if err := h.signIn("anna"); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				time.Sleep(time.Minute)
				if err := h.Refresh(context.Background(), "gate"); err != nil {
					t.Fatal(err)
				}
			}
			_ = h.end()
			if n := strings.Count(h.log.String(), said); n != told {
				t.Errorf("told %d times, want %d", n, told)
			}
		})
	}
}
