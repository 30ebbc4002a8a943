package oauth_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

// What may go wrong in the middle of a token call, and what people and devices do
// meanwhile, in any order.
var losses = []string{"20 minutes", "an hour", "request lost", "reply lost", "reply cut", "503", "no connection", "well again", "full disk", "disk well", "crash", "401", "press", "mint", "asked", "revoked", "sign-in"}

// However replies are lost, on whatever server: a refresh token that may be spent
// is sent only when no access token in our hands serves, no pair that reached us is
// lost, and the account works as long as the vendor honours what is stored.
func TestAnyLoss(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		story := rapid.SliceOfN(rapid.SampledFrom(losses), 1, 20).Draw(rt, "story")
		kills, oldDies, grace := rapid.Bool().Draw(rt, "kills"), rapid.Bool().Draw(rt, "old dies"), rapid.Bool().Draw(rt, "grace")
		synctest.Test(t, func(t *testing.T) {
			v := newVendor()
			v.kills, v.oldDies, v.grace = kills && !grace, oldDies, grace
			defer func() {
				if t.Failed() {
					t.Logf("after %q, kills %v, old dies %v, grace %v", story, v.kills, v.oldDies, v.grace)
				}
			}()
			lose(t, v, story)
		})
	})
}

func lose(t *testing.T, v *vendor, story []string) {
	m := newMemory()
	w := &watched{t: t, vendor: v, m: m, spent: map[string]bool{}, refused: map[string]bool{}}
	by := func(o *oauth.Options, _ *oauth.Account) { o.Transport = w }
	h := signedIn(t, v, m, by)
	once := func(fault faultFunc) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.fault = []faultFunc{fault}
	}
	for _, what := range story {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		switch what {
		case "20 minutes":
			time.Sleep(20 * time.Minute)
		case "an hour":
			time.Sleep(time.Hour)
		case "request lost":
			once(dropRequest)
		case "reply lost":
			once(dropReply)
		case "reply cut":
			once(cutReply(40))
		case "503":
			v.act(say(503, ""))
		case "no connection":
			v.act(noDial)
		case "well again":
			v.act(nil)
		case "full disk":
			m.fail(errFull)
		case "disk well":
			m.fail(nil)
			time.Sleep(time.Minute + time.Second) // what waits is saved
		case "crash": // what waits for the disk alone is gone with the process
			m.fail(nil)
			time.Sleep(time.Minute + time.Second)
			m = m.copy()
			_ = h.end()
			w.mu.Lock()
			w.m = m
			w.mu.Unlock()
			h = start(t, v, m, by)
		case "401":
			w.refuse(h.refuse())
		case "press":
			_, _ = h.Tokens("gate").Bearer(bridge.NewPermit(time.Now().Add(5*time.Second), 1).With(ctx), "")
		case "mint":
			_, _ = h.Tokens("gate").Bearer(ctx, "system")
		case "asked":
			_ = h.Refresh(ctx, "gate")
		case "revoked":
			v.mu.Lock()
			for f := range v.identity {
				v.kill(f)
			}
			v.mu.Unlock()
		case "sign-in":
			_ = h.signIn("anna")
		}
		cancel()
		synctest.Wait()
	}
	v.act(nil)
	m.fail(nil)
	time.Sleep(time.Minute + time.Second)
	synctest.Wait()
	w.mu.Lock()
	got := w.got
	w.mu.Unlock()
	_, refresh, _ := h.tokens()
	stored := fmt.Sprint(m.stored(t, "gate"))
	v.mu.Lock()
	alive := v.refresh[refresh] != 0 || v.grace && v.spent[refresh] != 0 && v.identity[v.spent[refresh]] != ""
	v.fault = nil
	// That of a family before the last sign-in is a generation in a real store.
	kept := v.refresh[got] <= max(v.refresh[refresh]-1, 0) || strings.Contains(stored, got)
	v.mu.Unlock()
	if !kept {
		t.Error("a pair that reached us, and that the vendor honours, is not stored")
	}
	time.Sleep(24 * time.Hour) // also a refused client is asked again
	if token, err := h.bearer(); err == nil && !v.serves(token) {
		h.refuse()
		time.Sleep(16 * time.Minute)
	}
	synctest.Wait()
	if got := h.Health("gate"); alive || got.State != bridge.LoginNeeded {
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
	} else if got.UserAction != bridge.ActionLogin {
		t.Errorf("nothing can be renewed, and the person is told %s", got.UserAction)
	}
}

// watched is the judge between the keeper and the vendor.
type watched struct {
	*vendor
	t       *testing.T
	mu      sync.Mutex // for what follows
	m       *memory
	spent   map[string]bool // refresh tokens whose call has no known end
	got     string          // the refresh token that reached us last
	refused map[string]bool // access tokens that the API refused, whatever the vendor says
}

func (w *watched) refuse(access string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refused[access] = true
}

func (w *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/token" {
		return w.vendor.RoundTrip(r)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	token := form.Get("refresh_token")
	if w.spent[token] {
		pair, _ := w.m.stored(w.t, "gate")["pair"].(map[string]any)
		if access := fmt.Sprint(pair["access"]); !w.refused[access] && w.serves(access) {
			w.t.Error("a refresh token that may be spent was sent although the access token serves")
		}
	}
	res, err := w.vendor.RoundTrip(r)
	if form.Has("narrow") {
		return res, err
	}
	if err != nil {
		var dial *net.OpError
		w.spent[token] = w.spent[token] || token != "" && !errors.As(err, &dial)
		return res, err
	}
	whole, cut := io.ReadAll(res.Body)
	res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(whole), iotest.ErrReader(cut)))
	var said struct {
		Refresh string `json:"refresh_token"`
	}
	if cut != nil {
		w.spent[token] = token != ""
	} else if res.Body = io.NopCloser(bytes.NewReader(whole)); json.Unmarshal(whole, &said) == nil && said.Refresh != "" {
		w.got = said.Refresh
	}
	return res, nil
}
