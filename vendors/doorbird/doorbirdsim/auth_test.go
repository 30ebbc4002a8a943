package doorbirdsim_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"latchkey/bridge/simkit"
	"latchkey/vendors/doorbird/doorbirdsim"
)

// The vendor's text from the first page to the revocation, as its curl lines say.
func TestVendorsExample(t *testing.T) {
	s := seedCloud()
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	viewer := simkit.Person{Client: srv.Client(), Name: doorbirdsim.DemoViewer, Password: "viewer"}
	to, err := viewer.Allow(t.Context(), srv.URL+"/auth/authorize?"+form("response_type", "code", "client_id", doorbirdsim.DemoClient,
		"scope", "deviceViewer", "state", "mystate", "redirect_uri", back))
	if err != nil {
		t.Fatal(err)
	}
	code, found := strings.CutPrefix(to, back+"?state=mystate&code=")
	if !found {
		t.Fatalf("sent back to %q", to)
	}
	first := readTokens(t, send(s, "POST", "/auth/token", client("grant_type", "authorization_code", "code", code, "redirect_uri", back), formType...))
	if diff := cmp.Diff(tokens{Access: first.Access, Type: "Bearer", Life: 3600, Scope: "deviceViewer", Refresh: first.Refresh}, first); diff != "" {
		t.Errorf("token reply (-want +got):\n%s", diff)
	}
	wantStatus(t, send(s, "POST", "/relay/1", "", "Authorization", "Bearer "+first.Access, "Content-Type", "application/json"), 200)
	if got := s.Pulses(1, ""); got != 1 {
		t.Errorf("%d pulses, want 1", got)
	}
	second := readTokens(t, send(s, "POST", "/auth/token", client("grant_type", "refresh_token", "refresh_token", first.Refresh), formType...))
	if second.Access == first.Access || second.Refresh == first.Refresh {
		t.Error("a refresh brought an old token again")
	}
	wantStatus(t, send(s, "POST", "/auth/revoke", client("token", second.Access), formType...), 200)
	wantStatus(t, send(s, "GET", "/metadata", "", "Authorization", "Bearer "+second.Access), 401)
	readTokens(t, send(s, "POST", "/auth/token", client("grant_type", "refresh_token", "refresh_token", second.Refresh), formType...))
}

func TestTokenRefusals(t *testing.T) {
	s := seedCloud()
	used := s.Issuer.Issue(doorbirdsim.DemoClient, doorbirdsim.DemoViewer, doorbirdsim.Viewer).Refresh
	refresh := client("grant_type", "refresh_token", "refresh_token", used)
	wantStatus(t, send(s, "POST", "/auth/token", refresh, formType...), 200)
	for _, tt := range []struct {
		name, target, body string
		headers            []string
		status             int
		reply              string
	}{
		{"used refresh token", "", refresh, formType, 400, `{"error":"invalid_grant"}`},
		{"unknown code", "", client("grant_type", "authorization_code", "code", "x", "redirect_uri", back), formType, 400, `{"error":"invalid_grant"}`},
		{"wrong secret", "", form("grant_type", "refresh_token", "refresh_token", used, "client_id", doorbirdsim.DemoClient, "client_secret", "x"), formType, 401, `{"error":"invalid_client"}`},
		{"Basic instead of fields", "", form("grant_type", "refresh_token", "refresh_token", used), append([]string{"Authorization", "Basic YTpi"}, formType...), 401, `{"error":"invalid_client"}`},
		{"parameters in the query", "?" + refresh, "", formType, 401, `{"error":"invalid_client"}`},
		{"JSON body", "", `{"grant_type":"refresh_token"}`, []string{"Content-Type", "application/json"}, 400, `{"error":"invalid_request"}`},
		{"unknown grant type", "", client("grant_type", "password"), formType, 400, `{"error":"unsupported_grant_type"}`},
		{"missing field", "", client("grant_type", "authorization_code", "code", "x"), formType, 400, `{"error":"invalid_request"}`},
		{"scope at refresh", "", refresh + "&scope=deviceViewer", formType, 400, `{"error":"invalid_request"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := send(s, "POST", "/auth/token"+tt.target, tt.body, tt.headers...)
			if w.Code != tt.status || w.Body.String() != tt.reply {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, tt.status, tt.reply)
			}
		})
	}
}

func TestWhoSignsIn(t *testing.T) {
	s := seedCloud()
	srv := httptest.NewServer(s.Handler())
	defer srv.Close()
	for _, tt := range []struct {
		user, password, scope string
		query                 string // the callback's, up to the code; "": the page stays
	}{
		{doorbirdsim.DemoViewer, "viewer", "deviceViewer", "code"},
		{doorbirdsim.DemoAdmin, "admin", "deviceAdmin", "code"},
		{doorbirdsim.DemoAdmin, "admin", "deviceViewer", ""},
		{doorbirdsim.DemoViewer, "viewer", "deviceAdmin", ""},
		{doorbirdsim.DemoViewer, "wrong", "deviceViewer", ""},
	} {
		t.Run(tt.user+" "+tt.scope+" "+tt.password, func(t *testing.T) {
			p := simkit.Person{Client: srv.Client(), Name: tt.user, Password: tt.password}
			to, err := p.Allow(t.Context(), srv.URL+"/auth/authorize?"+form("response_type", "code", "client_id", doorbirdsim.DemoClient, "scope", tt.scope, "redirect_uri", back))
			if (err == nil) != (tt.query != "") || !strings.Contains(to, tt.query) {
				t.Errorf("sent to %q, %v; want %q", to, err, tt.query)
			}
		})
	}
	for _, scope := range []string{"", "deviceViewer deviceAdmin", "device"} {
		w := send(s, "GET", "/auth/authorize?"+form("response_type", "code", "client_id", doorbirdsim.DemoClient, "scope", scope, "redirect_uri", back), "")
		if to, _ := url.Parse(w.Header().Get("Location")); to.Query().Get("error") != "invalid_scope" {
			t.Errorf("scope %q: %d to %q, want invalid_scope", scope, w.Code, to)
		}
	}
	for name, q := range map[string]string{
		"unknown client":  form("response_type", "code", "client_id", "x", "scope", "deviceViewer", "redirect_uri", back),
		"unknown address": form("response_type", "code", "client_id", doorbirdsim.DemoClient, "scope", "deviceViewer", "redirect_uri", back+"?"),
	} {
		if w := send(s, "GET", "/auth/authorize?"+q, ""); w.Code != 400 || w.Header().Get("Location") != "" {
			t.Errorf("%s: %d to %q, want a page with 400 and no redirect", name, w.Code, w.Header().Get("Location"))
		}
	}
}

func TestRevoke(t *testing.T) {
	for _, tt := range []struct {
		name    string
		habits  doorbirdsim.Habits
		status  int
		body    string
		refresh int // of the grant's refresh token afterwards
	}{
		{"default", doorbirdsim.Habits{}, 200, "", 200},
		{"grant dies", doorbirdsim.Habits{RevokeEndsRefresh: true, RevokeReply: doorbirdsim.ReplyNoContent}, 204, "", 400},
		{"JSON", doorbirdsim.Habits{RevokeReply: doorbirdsim.ReplyJSON}, 200, `{"success":true}`, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := seedCloud()
			s.Change(func(h *doorbirdsim.Habits) { *h = tt.habits })
			is := s.Issuer.Issue(doorbirdsim.DemoClient, doorbirdsim.DemoViewer, doorbirdsim.Viewer)
			if w := send(s, "POST", "/auth/revoke", form("token", is.Access), formType...); w.Code != 401 {
				t.Errorf("without the client: %d, want 401", w.Code)
			}
			wantStatus(t, send(s, "GET", "/metadata", "", "Authorization", "Bearer "+is.Access), 200)
			w := send(s, "POST", "/auth/revoke", client("token", is.Access), formType...)
			if w.Code != tt.status || w.Body.String() != tt.body {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, tt.status, tt.body)
			}
			wantStatus(t, send(s, "GET", "/metadata", "", "Authorization", "Bearer "+is.Access), 401)
			wantStatus(t, send(s, "POST", "/auth/token", client("grant_type", "refresh_token", "refresh_token", is.Refresh), formType...), tt.refresh)
		})
	}
}

func TestBearerOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seedCloud()
		bearer := grant(s, doorbirdsim.DemoViewer)
		text := strings.TrimPrefix(bearer[1], "Bearer ")
		wantStatus(t, send(s, "GET", "/metadata", "", bearer...), 200)
		for name, w := range map[string]*httptest.ResponseRecorder{
			"none":  send(s, "GET", "/metadata", ""),
			"query": send(s, "GET", "/metadata?access_token="+text, ""),
			"Basic": send(s, "GET", "/metadata", "", "Authorization", "Basic "+text),
			"wrong": send(s, "GET", "/metadata", "", "Authorization", "Bearer x"),
		} {
			if w.Code != http.StatusUnauthorized || w.Body.Len() != 0 {
				t.Errorf("%s: %d %q, want 401 with an empty body", name, w.Code, w.Body)
			}
		}
		time.Sleep(time.Hour)
		wantStatus(t, send(s, "GET", "/metadata", "", bearer...), 401)
		s.Change(func(h *doorbirdsim.Habits) { h.Dead = simkit.JSON(401, map[string]string{"error": "invalid_token"}) })
		if w := send(s, "GET", "/metadata", "", bearer...); w.Code != 401 || w.Body.String() != `{"error":"invalid_token"}` {
			t.Errorf("a body by habit: %d %s", w.Code, w.Body)
		}
	})
}
