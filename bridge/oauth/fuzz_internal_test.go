package oauth

import (
	"context"
	"net/http"
	"testing"
	"time"

	"latchkey/bridge"
)

// Any text in Retry-After and Date: a wait that is believed is at least the least
// gap and at most a day.
func FuzzRetryAfter(f *testing.F) {
	f.Add("120", "")
	f.Add("Wed, 21 Oct 2026 07:28:00 GMT", "Wed, 21 Oct 2026 07:27:00 GMT")
	f.Add("1e999", "Mon, 01 Jan 0001 00:00:00 GMT")
	f.Add("-1", "x")
	f.Add("NaN", "")
	f.Fuzz(func(t *testing.T, after, date string) {
		wait, named := retryAfter(http.Header{"Retry-After": {after}, "Date": {date}})
		if named && (wait < leastGap || wait > longestWait) || !named && wait != 0 {
			t.Errorf("Retry-After %q, Date %q: %s, %v", after, date, wait, named)
		}
	})
}

// one is a store that holds one record.
type one struct {
	empty
	record []byte
}

func (o one) Load(context.Context, string) ([]byte, uint64, error) { return o.record, 1, nil }

// Any bytes as a stored record: it is taken up or told as unreadable, nothing is
// due at a time that is not one, and what can be read is written the same again.
func FuzzStoredRecord(f *testing.F) {
	f.Add([]byte(`{"v":1,"pair":{"access":"a","refresh":"r","obtained":"2026-01-01T00:00:00Z","expires":"2026-01-01T01:00:00Z"}}`))
	f.Add([]byte(`{"v":1,"pair":{"access":"a"},"intent":{"kind":"refresh","attempt":1},"pending":{"pair":{"access":"b"}}}`))
	f.Add([]byte(`{"v":1,"ended":"client","failures":-7,"wait":-1,"not_before":"9999-12-31T23:59:59Z","day":"x","used":1}`))
	f.Add([]byte(`{"v":99}`))
	f.Add([]byte(`{"v":1,"narrow":[{"name":"n","pair":{"access":"c","expires":"0001-01-01T00:00:00Z"}}]}`))
	ask := &bridge.Ask{URL: "https://vendor.test/token", Client: bridge.ClientParams, Params: params("refresh_token", "refresh_token")}
	f.Fuzz(func(t *testing.T, stored []byte) {
		k := New(Options{Store: one{record: stored}})
		if err := k.Add(Account{ID: "gate", Dialect: bridge.Dialect{Grant: bridge.GrantCode, ClientID: "c", Refresh: ask}}); err != nil {
			t.Fatal(err)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		a, now := k.accounts["gate"], time.Now()
		rec, err := decodeRecord(stored)
		if (err == nil) != a.loaded {
			t.Errorf("%q: read %v, taken up %v", stored, err, a.loaded)
		}
		if h := k.judge(a, now); h.State == "" || h.UserAction == "" {
			t.Errorf("%q: health %+v", stored, h)
		}
		if a.loaded && a.notBefore.Sub(now) > max(rec.Wait, 0)+time.Second {
			t.Errorf("%q: rests until %s, longer than it was meant to", stored, a.notBefore)
		}
		if err != nil {
			return
		}
		encoded, err := rec.encode()
		if err != nil {
			return // a year beyond 9999
		}
		if again, err := decodeRecord(encoded); err != nil || again.Pair != rec.Pair || again.open() != rec.open() {
			t.Errorf("%q is written as %q: %v", stored, encoded, err)
		}
	})
}
