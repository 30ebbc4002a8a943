package oauth

import (
	"net/http"
	"testing"
	"time"

	"latchkey/bridge"
)

// What a whole reply without tokens means, by dialect.
func TestRefusedReplies(t *testing.T) {
	doorbird := bridge.Dialect{Secret: bridge.NewSecret("s")}
	dw := bridge.Dialect{Reading: bridge.Reading{ErrorIn: "resultCode", Fine: "ok", Codes: map[string]bridge.Verdict{
		"notAuthorized": bridge.BadGrant, "credentialsRemovedPermanently": bridge.BadGrant, "retryLater": bridge.Passing}}}
	netrex := bridge.Dialect{Secret: bridge.NewSecret("s"), Reading: bridge.Reading{FreeText: true, Sentences: []bridge.Sentence{{Holds: "token", Means: bridge.BadGrant}, {Holds: "Client", Means: bridge.BadClient}, {Holds: "later", Means: bridge.Passing}}}}
	inBody, none := bridge.Ask{Client: bridge.ClientParams}, bridge.Ask{}

	for _, c := range []struct {
		name   string
		d      *bridge.Dialect
		ask    *bridge.Ask
		status int
		body   string
		want   class
		reason bridge.HealthReason
		code   string
	}{
		{"standard grant", &doorbird, &inBody, 400, `{"error":"invalid_grant"}`, classGrant, bridge.HealthRevoked, "invalid_grant"},
		{"as 200", &doorbird, &inBody, 200, `{"error":"invalid_grant"}`, classGrant, bridge.HealthRevoked, "invalid_grant"},
		{"as 401", &doorbird, &inBody, 401, `{"error":"invalid_grant"}`, classGrant, bridge.HealthRevoked, "invalid_grant"},
		{"spring", &doorbird, &inBody, 401, `{"error":"invalid_token"}`, classGrant, bridge.HealthRevoked, "invalid_token"},
		{"standard client", &doorbird, &inBody, 401, `{"error":"invalid_client"}`, classClient, bridge.HealthClientRefused, "invalid_client"},
		{"keycloak's wrong secret", &doorbird, &inBody, 401, `{"error":"unauthorized_client"}`, classClient, bridge.HealthClientRefused, "unauthorized_client"},
		{"cameramanager's bad Basic", &doorbird, &inBody, 401, `{"error":"unauthorized"}`, classClient, bridge.HealthClientRefused, "unauthorized"},
		{"scope", &doorbird, &inBody, 400, `{"error":"invalid_scope"}`, classClient, bridge.HealthClientRefused, "invalid_scope"},
		{"fosite's two at once", &doorbird, &inBody, 400, `{"error":"invalid_request"}`, classStrange, bridge.HealthBadReply, "invalid_request"},
		{"401 without a word", &doorbird, &inBody, 401, ``, classClient, bridge.HealthClientRefused, "client_refused"},
		{"401 in other words", &doorbird, &inBody, 401, `{"message":"no"}`, classClient, bridge.HealthClientRefused, "client_refused"},
		{"401 of a proxy", &doorbird, &inBody, 401, "\n<html>", classStrange, bridge.HealthBadReply, "bad_reply"},
		{"403 without a word", &doorbird, &inBody, 403, ``, classStrange, bridge.HealthBadReply, "bad_reply"},
		{"unknown code is not shown", &doorbird, &inBody, 400, `{"error":"CANARY"}`, classStrange, bridge.HealthBadReply, "bad_reply"},
		{"404", &doorbird, &inBody, 404, `not found`, classStrange, bridge.HealthBadReply, "bad_reply"},
		{"html as 200", &doorbird, &inBody, 200, `<html>`, classLost, bridge.HealthBadReply, "bad_reply"},
		{"500 whatever it says", &doorbird, &inBody, 500, `{"error":"invalid_grant"}`, classDown, bridge.HealthVendorDown, "vendor_down"},
		{"408", &doorbird, &inBody, 408, ``, classDown, bridge.HealthVendorDown, "vendor_down"},
		{"429 whatever it says", &doorbird, &inBody, 429, `{"error":"invalid_grant"}`, classThrottled, bridge.HealthRateLimited, "rate_limited"},
		{"slow down", &doorbird, &inBody, 400, `{"error":"slow_down"}`, classThrottled, bridge.HealthRateLimited, "rate_limited"},

		{"dw dead", &dw, &none, 401, `{"resultCode":"notAuthorized"}`, classGrant, bridge.HealthRevoked, "notAuthorized"},
		{"dw later, as 200", &dw, &none, 200, `{"resultCode":"retryLater"}`, classDown, bridge.HealthVendorDown, "retryLater"},
		{"dw portal's own word", &dw, &none, 400, `{"error":"invalid_grant"}`, classGrant, bridge.HealthRevoked, "invalid_grant"},
		{"dw has no client to refuse", &dw, &none, 401, ``, classGrant, bridge.HealthRevoked, "revoked"},
		{"dw unknown", &dw, &none, 200, `{"resultCode":"dbError"}`, classStrange, bridge.HealthBadReply, "bad_reply"},
		{"dw fine without a token", &dw, &none, 200, `{"resultCode":"ok"}`, classLost, bridge.HealthBadReply, "bad_reply"},

		{"netrex sentence as 200", &netrex, &inBody, 200, `{"error":"Refresh token is not valid."}`, classGrant, bridge.HealthRevoked, "revoked"},
		{"netrex sentence on the client", &netrex, &inBody, 200, `{"error":"The client is wrong."}`, classClient, bridge.HealthClientRefused, "client_refused"},
		{"netrex sentence on both", &netrex, &inBody, 401, `{"error":"No Token of this client."}`, classGrant, bridge.HealthRevoked, "revoked"},
		{"netrex sentence on neither", &netrex, &inBody, 400, `{"error":"Try later"}`, classDown, bridge.HealthVendorDown, "vendor_down"},
		{"netrex sentence as 400", &netrex, &inBody, 400, `{"error":"Nope"}`, classGrant, bridge.HealthRevoked, "revoked"},
		{"netrex standard code", &netrex, &inBody, 400, `{"error":"invalid_client"}`, classClient, bridge.HealthClientRefused, "invalid_client"},
		{"netrex sentence as 503", &netrex, &inBody, 503, `{"error":"Maintenance"}`, classDown, bridge.HealthVendorDown, "vendor_down"},
		{"netrex wrong path", &netrex, &inBody, 404, `{"error":"Not found"}`, classStrange, bridge.HealthBadReply, "bad_reply"},
		{"netrex html", &netrex, &inBody, 403, `<html>`, classStrange, bridge.HealthBadReply, "bad_reply"},
	} {
		got := refused(c.status, http.Header{}, []byte(c.body), c.d, c.ask)
		if vague := c.body == `{"error":"Nope"}`; got.vague != vague {
			t.Errorf("%s: vague %v", c.name, got.vague)
		}
		if got.Class != c.want || got.Reason != c.reason || got.Code != c.code {
			t.Errorf("%s: %s %s %s, want %s %s %s", c.name, got.Class, got.Reason, got.Code, c.want, c.reason, c.code)
		}
	}
}

func TestRetryAfterForms(t *testing.T) {
	for _, c := range []struct {
		value, date string
		want        time.Duration
		named       bool
	}{
		{"120", "", 2 * time.Minute, true},
		{" 0 ", "", 5 * time.Second, true},
		{"1.5e4", "", 15000 * time.Second, true},
		{"99999999999999999999", "", 24 * time.Hour, true},
		{"Wed, 21 Oct 2026 07:30:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 2 * time.Minute, true},
		{"Wed, 21 Oct 2026 07:20:00 GMT", "Wed, 21 Oct 2026 07:28:00 GMT", 5 * time.Second, true},
		{"", "", 0, false}, {"-1", "", 0, false}, {"soon", "", 0, false}, {"NaN", "", 0, false},
	} {
		got, named := retryAfter(http.Header{"Retry-After": {c.value}, "Date": {c.date}})
		if got != c.want || named != c.named {
			t.Errorf("Retry-After %q: %s, %v, want %s, %v", c.value, got, named, c.want, c.named)
		}
	}
}

// Full jitter between 5 s and 15 min, growing; never less than the vendor asks for.
func TestBackoff(t *testing.T) {
	d := &bridge.Dialect{}
	for n := 1; n < 200; n++ {
		for range 50 {
			got, top := backoff(fail(classDown, "", ""), n, d), min(5*time.Second<<min(n, 10), 15*time.Minute)
			if got < 5*time.Second || got > top {
				t.Fatalf("failure %d: %s, want 5 s to %s", n, got, top)
			}
		}
	}
	asks := fail(classDown, "", "")
	asks.wait = time.Hour
	if got := backoff(asks, 1, d); got != time.Hour {
		t.Errorf("a 503 with Retry-After: %s, want an hour", got)
	}
}
