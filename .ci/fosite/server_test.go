package fosite_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"

	"latchkey/bridge"
)

const (
	base     = "https://vendor.test"
	back     = "http://127.0.0.1:8087/oauth/callback"
	clientID = "latchkey"
	secret   = "s+e%c/r:e t" // each of its characters has once broken somebody's Basic
)

// server is ory/fosite as an authorization server with one read of an API. It
// rotates refresh tokens, and one that comes twice ends the whole grant. It is an
// http.RoundTripper, so that tests run in virtual time.
type server struct {
	provider fosite.OAuth2Provider
	mux      *http.ServeMux

	mu       sync.Mutex
	calls    []string // grant types and statuses of the token endpoint
	inFlight int
	most     int
	lose     int // replies of the token endpoint that are lost from now on
}

func newServer(t *testing.T) *server {
	t.Helper()
	conf := &fosite.Config{
		GlobalSecret: bytes.Repeat([]byte("g"), 32), HashCost: 4, AccessTokenLifespan: time.Hour,
		RefreshTokenLifespan: 30 * 24 * time.Hour, RefreshTokenScopes: []string{"offline"}, EnforcePKCE: true,
	}
	hashed, err := conf.GetSecretsHasher(t.Context()).Hash(t.Context(), []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	memory := storage.NewMemoryStore()
	memory.Clients[clientID] = &fosite.DefaultClient{ID: clientID, Secret: hashed, RedirectURIs: []string{back}, ResponseTypes: []string{"code"},
		GrantTypes: []string{"authorization_code", "refresh_token"}, Scopes: []string{"read", "offline"}}
	s := &server{mux: http.NewServeMux(), provider: compose.Compose(conf, memory, &compose.CommonStrategy{CoreStrategy: compose.NewOAuth2HMACStrategy(conf)},
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2RefreshTokenGrantFactory, compose.OAuth2PKCEFactory,
		compose.OAuth2TokenIntrospectionFactory, compose.OAuth2TokenRevocationFactory)}
	s.mux.HandleFunc("/authorize", s.authorize)
	s.mux.HandleFunc("/token", s.token)
	s.mux.HandleFunc("/revoke", func(w http.ResponseWriter, r *http.Request) {
		s.provider.WriteRevocationResponse(r.Context(), w, s.provider.NewRevocationRequest(r.Context(), r))
	})
	s.mux.HandleFunc("/introspect", func(w http.ResponseWriter, r *http.Request) {
		found, err := s.provider.NewIntrospectionRequest(r.Context(), r, new(fosite.DefaultSession))
		if err != nil {
			s.provider.WriteIntrospectionError(r.Context(), w, err)
			return
		}
		s.provider.WriteIntrospectionResponse(r.Context(), w, found)
	})
	s.mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
		_, found, err := s.provider.IntrospectToken(r.Context(), fosite.AccessTokenFromRequest(r), fosite.AccessToken, new(fosite.DefaultSession))
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"id":%q}`, found.GetSession().GetSubject())
	})
	return s
}

// authorize is a consent page on which anna agrees at once.
func (s *server) authorize(w http.ResponseWriter, r *http.Request) {
	asked, err := s.provider.NewAuthorizeRequest(r.Context(), r)
	if err != nil {
		s.provider.WriteAuthorizeError(r.Context(), w, asked, err)
		return
	}
	for _, scope := range asked.GetRequestedScopes() {
		asked.GrantScope(scope)
	}
	reply, err := s.provider.NewAuthorizeResponse(r.Context(), asked, &fosite.DefaultSession{Subject: "anna"})
	if err != nil {
		s.provider.WriteAuthorizeError(r.Context(), w, asked, err)
		return
	}
	s.provider.WriteAuthorizeResponse(r.Context(), w, asked, reply)
}

func (s *server) token(w http.ResponseWriter, r *http.Request) {
	asked, err := s.provider.NewAccessRequest(r.Context(), r, new(fosite.DefaultSession))
	if err != nil {
		s.provider.WriteAccessError(r.Context(), w, asked, err)
		return
	}
	reply, err := s.provider.NewAccessResponse(r.Context(), asked)
	if err != nil {
		s.provider.WriteAccessError(r.Context(), w, asked, err)
		return
	}
	s.provider.WriteAccessResponse(r.Context(), w, asked, reply)
}

// RoundTrip serves a request. A token call takes a second, so that callers meet it.
func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(r.Context())
	if trace != nil && trace.GetConn != nil {
		trace.GetConn(r.URL.Host)
		trace.GotConn(httptrace.GotConnInfo{})
	}
	in := httptest.NewRequest(r.Method, r.URL.String(), r.Body).WithContext(r.Context())
	in.Header = r.Header
	out := httptest.NewRecorder()
	if r.URL.Path != "/token" {
		s.mux.ServeHTTP(out, in)
		return out.Result(), nil
	}
	s.mu.Lock()
	s.inFlight++
	s.most = max(s.most, s.inFlight)
	s.mu.Unlock()
	time.Sleep(time.Second) // virtual
	s.mux.ServeHTTP(out, in)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
	s.calls = append(s.calls, fmt.Sprint(in.Form.Get("grant_type"), " ", out.Code))
	if s.lose > 0 {
		s.lose--
		return nil, io.ErrUnexpectedEOF
	}
	return out.Result(), nil
}

// count counts answers of the token endpoint, such as "refresh_token 200"; "" is
// all of them.
func (s *server) count(what string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, call := range s.calls {
		if what == "" || call == what {
			n++
		}
	}
	return n
}

// reads tells whether the API takes an access token.
func (s *server) reads(token string) bool {
	r := httptest.NewRequest(http.MethodGet, base+"/me", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return w.Code == http.StatusOK
}

// open goes to the consent page and returns the callback.
func (s *server) open(to string) (*url.URL, error) {
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, to, nil))
	return w.Result().Location()
}

// dialect is how latchkey speaks to it.
func dialect() bridge.Dialect {
	ask := func(path string, params ...bridge.Param) *bridge.Ask {
		return &bridge.Ask{URL: base + path, Client: bridge.ClientBasicEncoded, Params: params}
	}
	return bridge.Dialect{
		Grant: bridge.GrantCode, ClientID: clientID, Secret: bridge.NewSecret(secret), Scope: "read offline",
		Authorize: &bridge.Authorize{URL: base + "/authorize", PKCE: true, Echo: true, Params: []bridge.Param{{Name: "response_type", Text: "code"}}},
		Exchange: ask("/token", bridge.Param{Name: "grant_type", Text: "authorization_code"}, bridge.Param{Name: "code", From: bridge.FieldCode},
			bridge.Param{Name: "redirect_uri", From: bridge.FieldRedirect}, bridge.Param{Name: "code_verifier", From: bridge.FieldVerifier}),
		Refresh:  ask("/token", bridge.Param{Name: "grant_type", Text: "refresh_token"}, bridge.Param{Name: "refresh_token", From: bridge.FieldRefreshToken}),
		Inspect:  ask("/introspect", bridge.Param{Name: "token", From: bridge.FieldAccessToken}),
		Revoke:   []bridge.Ask{*ask("/revoke", bridge.Param{Name: "token", From: bridge.FieldRefreshToken})},
		Identity: &bridge.Identity{URL: base + "/me", Member: "id"},
	}
}
