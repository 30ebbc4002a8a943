package web_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"latchkey/bridge/web"
)

// The opening log goes over the socket alone, as the daemon gives it.
func TestLogOverTheSocket(t *testing.T) {
	var fail error
	page, socket := serve(t, &fake{}, func(o *web.Options) {
		o.Openings = func(_ context.Context, verify bool) (any, error) { return map[string]bool{"verify": verify}, fail }
	})
	for verify, want := range map[bool]string{false: `{"verify":false}`, true: `{"verify":true}`} {
		if got, err := socket.Log(t.Context(), verify); err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	if code, _, _ := (&browser{t: t}).do("GET", page+"/log", nil); code != 404 {
		t.Errorf("on the page's port: %d, want 404", code)
	}
	fail = errors.New("the store is damaged")
	if _, err := socket.Log(t.Context(), false); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("got %v, want what the daemon says", err)
	}
	_, socket = serve(t, &fake{})
	if _, err := socket.Log(t.Context(), false); err == nil {
		t.Error("a daemon without a log: no error")
	}
}
