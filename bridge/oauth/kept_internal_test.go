package oauth

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSummarize(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	full := record{Pair: pair{Access: "a-secret", Refresh: "r-secret", Scope: "deviceAdmin", Obtained: at, Expires: at.Add(time.Hour)},
		Before: pair{Refresh: "b-secret"}, Identity: "1ccae3a1b2c3", SignedIn: at.Add(-time.Hour)}
	with := func(change func(*record)) record { r := full; change(&r); return r }
	want := Summary{SignedIn: at.Add(-time.Hour), Obtained: at, Expires: at.Add(time.Hour), Scope: "deviceAdmin", Identity: "1ccae3a1b2c3", Access: true, Refresh: true}
	says := func(change func(*Summary)) Summary { s := want; change(&s); return s }
	for _, c := range []struct {
		name string
		rec  record
		want Summary
	}{
		{"in use", full, want},
		{"refused", with(func(r *record) {
			r.Ended, r.Trouble = endedGrant, fail(classGrant, "invalid_grant", "the vendor refused the refresh token")
		}),
			says(func(s *Summary) { s.Ended = "invalid_grant: the vendor refused the refresh token" })},
		{"refused, by an older latchkey", with(func(r *record) { r.Ended = endedGrant }), says(func(s *Summary) { s.Ended = "revoked: the vendor refused the account" })},
		{"in the middle of a renewal", with(func(r *record) { r.Intent = &intent{Kind: kindRefresh} }), says(func(s *Summary) { s.Open = true })},
		{"signed out", record{Ended: signedOut}, Summary{Ended: "signed out"}},
		{"nothing", record{}, Summary{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			stored, err := c.rec.encode()
			if err != nil {
				t.Fatal(err)
			}
			got, err := Summarize(stored)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if _, err := Summarize([]byte(`{"v":1,"pair":{"access":7,"refresh":"r-secret"}}`)); err == nil || strings.Contains(err.Error(), "r-secret") {
		t.Errorf("a damaged record: %v", err)
	}
}

func TestRevive(t *testing.T) {
	rec := record{Pair: pair{Access: "a", Refresh: "r"}, Intent: &intent{Kind: kindRefresh, Lost: true}, Ended: endedGrant,
		Trouble: fail(classGrant, "invalid_grant", "no"), Failures: 3, NotBefore: time.Now(), Wait: time.Hour, Used: 9, Day: "2026-03-01", Home: "here", Pending: &arrival{Pair: pair{Access: "later"}}}
	stored, err := rec.encode()
	if err != nil {
		t.Fatal(err)
	}
	revived, err := Revive(stored)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeRecord(revived)
	if err != nil {
		t.Fatal(err)
	}
	want := record{Version: recordVersion, Pair: rec.Pair, Intent: rec.Intent, Used: 9, Day: "2026-03-01", Home: "here"}
	a, _ := want.encode() // records never print, also not in a diff
	b, _ := got.encode()
	if string(a) != string(b) {
		t.Errorf("got another record than wanted: ended %q, %d failures, open %v", got.Ended, got.Failures, got.open())
	}
}
