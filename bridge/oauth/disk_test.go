package oauth_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
)

var errFull = errors.New("no space left on device")

// T2: the store fails for ten minutes from the moment on that the vendor has
// answered. One refresh is made, its pair is not handed out, and saved in the end.
func TestPairNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		v.oldDies = false
		h := signedIn(t, v, m)
		old, _, _ := h.tokens()
		v.mu.Lock()
		v.fault = []faultFunc{func(_ *vendor, _ *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
			m.fail(errFull)
			return answer()
		}}
		v.mu.Unlock()
		time.Sleep(46 * time.Minute)
		h.want(bridge.Retrying, bridge.HealthNotSaved, bridge.ActionCheckDisk)
		if token, err := h.bearer(); token != old || err != nil {
			t.Errorf("Bearer() = %q, %v, want the old token, which serves", token, err)
		}
		h.Tokens("gate").Refused(bridge.Bearer{Token: bridge.NewSecret(old)})
		h.want(bridge.Expired, bridge.HealthNotSaved, bridge.ActionCheckDisk)
		if _, err := h.bearer(); !reasonIs(err, bridge.ReasonOffline) {
			t.Errorf("Bearer() = %v, want offline: a pair that is not saved is not handed out", err)
		}
		time.Sleep(10 * time.Minute)
		if n := v.count("refresh"); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
		m.fail(nil)
		time.Sleep(time.Minute + time.Second)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
		if n := v.count("refresh"); n != 1 {
			t.Errorf("%d refreshes, want 1", n)
		}
	})
}

// A stop while a pair waits in memory saves it in its last seconds, or says that
// it could not.
func TestStopWithPairNotSaved(t *testing.T) {
	for name, heals := range map[string]bool{"heals": true, "does not": false} {
		bubble(name, t, func(t *testing.T) {
			v, m := newVendor(), newMemory()
			h := signedIn(t, v, m)
			v.mu.Lock()
			v.fault = []faultFunc{func(_ *vendor, _ *http.Request, answer func() (*http.Response, error)) (*http.Response, error) {
				m.fail(errFull)
				return answer()
			}}
			v.mu.Unlock()
			time.Sleep(45*time.Minute + time.Second)
			began := time.Now()
			if heals {
				time.AfterFunc(5*time.Second, func() { m.fail(nil) })
			}
			err := h.end()
			if took := time.Since(began); (err == nil) != heals || took > 20*time.Second {
				t.Errorf("Run() = %v after %s", err, took)
			}
			if _, refresh, _ := h.tokens(); (v.refresh[refresh] != 0) != heals {
				t.Errorf("the stored refresh token lives: %v, want %v", !heals, heals)
			}
		})
	}
}

// The pair was saved, and only the news of it was lost: the fallback stays what it was.
func TestNewsOfSaveLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, m := newVendor(), newMemory()
		saves := 0
		m.before = func(name string) error {
			if name == "saved" {
				if saves++; saves == 4 { // sign-in twice, intent, pair
					return errFull
				}
			}
			return nil
		}
		h := signedIn(t, v, m)
		_, first, _ := h.tokens()
		time.Sleep(46 * time.Minute)
		h.wantServing()
		h.want(bridge.Valid, "", bridge.ActionNone)
		if _, refresh, before := h.tokens(); before != first || v.refresh[refresh] == 0 || saves != 4 {
			t.Errorf("the fallback is %q, want %q; %d saves, want 4", before, first, saves)
		}
	})
}

// The journal's intent was saved, and only the news of it was lost; then somebody
// signs in. Two records that nobody has seen meet, and neither grant is lost.
func TestSignInAfterNewsOfSaveLost(t *testing.T) {
	for name, identity := range map[string]string{"the same account": "anna", "another one": "bert"} {
		bubble(name, t, func(t *testing.T) {
			v, m := newVendor(), newMemory()
			armed := false
			m.before = func(step string) error {
				if armed && step == "saved" {
					armed = false
					return errFull
				}
				return nil
			}
			h := signedIn(t, v, m)
			_, first, _ := h.tokens()
			time.Sleep(38 * time.Minute)
			m.mu.Lock()
			armed = true
			m.mu.Unlock()
			for range 10 * 60 { // the next attempt would read the record again
				time.Sleep(time.Second)
				m.mu.Lock()
				struck := !armed
				m.mu.Unlock()
				if struck {
					break
				}
			}
			synctest.Wait()
			if armed || v.count("refresh") != 0 {
				t.Fatal("no intent was saved, or the vendor was asked without the news of one")
			}
			err := h.signIn(identity)
			if _, other := errors.AsType[*oauth.OtherIdentity](err); other != (identity != "anna") || err != nil && !other {
				t.Fatalf("sign-in: %v", err)
			}
			if err != nil {
				if _, refresh, _ := h.tokens(); refresh != first {
					t.Errorf("the grant of before was replaced without a yes: %q, want %q", refresh, first)
				}
				if err := h.Confirm(t.Context(), "gate"); err != nil {
					t.Fatal(err)
				}
			}
			h.wantServing()
			h.want(bridge.Valid, "", bridge.ActionNone)
			if _, refresh, _ := h.tokens(); refresh == first || v.refresh[refresh] == 0 {
				t.Errorf("the stored refresh token is %q, which lives: %v", refresh, v.refresh[refresh] != 0)
			}
		})
	}
}

// T15: a disk that is full from any step on loses no token, and no commit means
// no call.
func TestFullDiskFromEachStep(t *testing.T) {
	for _, step := range []string{"load", "hold", "save", "saved"} {
		for nth := range 2 {
			bubble(step, t, func(t *testing.T) {
				v, m := newVendor(), newMemory()
				left := 1 << 20 // good steps before the disk is full
				m.before = func(name string) error {
					if name == step || left < 0 {
						left--
					}
					if left < 0 {
						return errFull
					}
					return nil
				}
				set := func(n int) {
					m.mu.Lock()
					defer m.mu.Unlock()
					left = n
				}
				h := signedIn(t, v, m)
				set(nth)
				time.Sleep(45*time.Minute + time.Second)
				if n := v.count("refresh"); n > 1 || n == 1 && nth == 0 {
					t.Errorf("the vendor was asked %d times", n)
				}
				if nth == 0 || step == "save" || step == "saved" {
					h.want(bridge.Retrying, bridge.HealthNotSaved, bridge.ActionCheckDisk)
				}
				time.Sleep(3 * time.Hour)
				if n := v.count("refresh"); n > 2 {
					t.Errorf("the vendor was asked %d times", n)
				}
				set(1 << 20)
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				h.wantServing()
				h.want(bridge.Valid, "", bridge.ActionNone)
				if _, refresh, _ := h.tokens(); v.refresh[refresh] == 0 {
					t.Error("the stored refresh token is dead")
				}
			})
		}
	}
}

// The record of a newer latchkey, or a damaged one, is left untouched until
// somebody signs in.
func TestUnreadableRecord(t *testing.T) {
	for name, stored := range map[string]string{"newer": `{"v":99,"pair":{"access":"CANARY-x"}}`, "damaged": `{"v":1,"pair":"CANARY-x`} {
		bubble(name, t, func(t *testing.T) {
			v, m := newVendor(), newMemory()
			m.records["gate"], m.gens["gate"] = []byte(stored), 7
			h := start(t, v, m)
			time.Sleep(24 * time.Hour)
			h.want(bridge.Expired, bridge.HealthNotSaved, bridge.ActionCheckDisk)
			if string(m.records["gate"]) != stored || m.gens["gate"] != 7 {
				t.Error("the record was written")
			}
			if err := h.signIn("anna"); err != nil {
				t.Fatal(err)
			}
			h.wantServing()
			h.want(bridge.Valid, "", bridge.ActionNone)
		})
	}
}
