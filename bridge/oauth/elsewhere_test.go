package oauth_test

import (
	"bytes"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

// A second latchkey on the same store: who loses the commit or the lease asks
// nobody, and uses what the other has fetched.
func TestSomebodyElseWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		one := signedIn(t, v, m)
		two := start(t, v, m, func(o *oauth.Options, _ *oauth.Account) { o.Owner = "there" })
		for range 50 {
			time.Sleep(17 * time.Minute)
			for _, h := range []*home{one, two} {
				if token, err := h.bearer(); err != nil || !v.serves(token) {
					// Dead by what the other one did; the API answers 401.
					h.Tokens("gate").Refused(bridge.Bearer{Token: bridge.NewSecret(token)})
				}
				h.wantServing()
				h.want(bridge.Valid, "", bridge.ActionNone)
			}
		}
		if n := v.count("refresh"); v.most > 1 || n > 50*17/39+1 {
			t.Errorf("%d calls, %d at once; want as many as one would make, one at a time", n, v.most)
		}
		m.mu.Lock()
		m.holder["gate"] = "elsewhere"
		m.mu.Unlock()
		n := v.count("refresh")
		time.Sleep(2 * time.Hour)
		one.want(bridge.Expired, bridge.HealthNetwork, bridge.ActionNone)
		if v.count("refresh") != n {
			t.Error("the vendor was asked without the lease")
		}
	})
}

// put writes another grant into the store behind the keeper's back.
func (m *memory) put(account string, record []byte) {
	m.records[account] = record
	m.gens[account]++
}

// The intent's commit is lost to somebody who has just renewed: theirs is used,
// and the vendor is not asked.
func TestCommitLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		v.oldDies = false
		armed := false
		m.before = func(step string) error {
			if armed && step == "hold" { // between reading and committing
				armed = false
				access, refresh := v.grant(1, "")
				at := time.Now().UTC().Format(time.RFC3339Nano)
				m.put("gate", []byte(`{"v":1,"identity":"anna","pair":{"access":"`+access+`","refresh":"`+refresh+`","obtained":"`+at+`"}}`))
			}
			return nil
		}
		h := signedIn(t, v, m)
		m.mu.Lock()
		armed = true
		m.mu.Unlock()
		old, _ := h.bearer()
		time.Sleep(time.Minute)
		h.refuse()
		token, err := h.bearer()
		if err != nil || token == old || !v.serves(token) {
			t.Errorf("Bearer() = %v, want what the other has fetched", err)
		}
		h.want(bridge.Valid, "", bridge.ActionNone)
		if n := v.count("refresh"); n != 0 {
			t.Errorf("%d refreshes, want none", n)
		}
	})
}

// Somebody writes while the vendor answers. What our pair continues is replaced
// by it; another grant stays, and our pair becomes its fallback. None is lost.
func TestPairMeetsForeignRecord(t *testing.T) {
	for name, other := range map[string]bool{"the same grant": false, "another grant": true} {
		bubble(name, t, func(t *testing.T) {
			v, m := newVendor(), newMemory()
			h := signedIn(t, v, m)
			_, first, _ := h.tokens()
			foreign := ""
			v.mu.Lock()
			v.fault = []faultFunc{func(v *vendor, _ *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
				res, err := answer()
				v.mu.Lock()
				_, foreign = v.grant(0, "anna")
				v.mu.Unlock()
				m.mu.Lock()
				defer m.mu.Unlock()
				record := m.records["gate"]
				if other {
					record = bytes.ReplaceAll(record, []byte(first), []byte(foreign))
				}
				m.put("gate", record)
				return res, err
			}}
			v.mu.Unlock()
			time.Sleep(46 * time.Minute)
			synctest.Wait()
			_, refresh, before := h.tokens()
			if other && (refresh != foreign || v.refresh[before] == 0) {
				t.Errorf("in use %q, fallback %q (lives: %v), want %q and the pair just fetched", refresh, before, v.refresh[before] != 0, foreign)
			}
			if !other && (v.refresh[refresh] == 0 || before != first) {
				t.Errorf("in use %q (lives: %v), fallback %q, want the pair just fetched and %q", refresh, v.refresh[refresh] != 0, before, first)
			}
			h.refuse()
			time.Sleep(3 * time.Hour)
			h.wantServing()
			h.want(bridge.Valid, "", bridge.ActionNone)
		})
	}
}
