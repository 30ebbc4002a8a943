package fosite_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/bridge/simkit"
)

// asker puts the same questions to any authorization server.
type asker struct {
	t    *testing.T
	ask  func(*http.Request) *httptest.ResponseRecorder
	code func(query url.Values) string // what a person's yes brings
}

// verifier is the same in each question; that it is checked is one of them.
var verifier = strings.Repeat("v", 43)

func challenge() string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// answer is what a token reply says, as far as latchkey tells replies apart.
type answer struct {
	status          int
	err, kind       string
	access, refresh string
	life            float64
	store           string
}

func (a answer) String() string {
	return fmt.Sprintf("%d error %q type %s, access token %v, refresh token %v, life %v, cache %s",
		a.status, a.err, strings.ToLower(a.kind), a.access != "", a.refresh != "", a.life, a.store)
}

func (q asker) token(user, password string, pairs ...string) answer {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, base+"/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(user), url.QueryEscape(password))
	w := q.ask(r)
	var body struct {
		Err     string  `json:"error"`
		Kind    string  `json:"token_type"`
		Access  string  `json:"access_token"`
		Refresh string  `json:"refresh_token"`
		Life    float64 `json:"expires_in"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		q.t.Errorf("reply %d %q: %v", w.Code, w.Body, err)
	}
	life := body.Life
	if life == 3599 {
		life = 3600 // fosite rounds
	}
	return answer{w.Code, body.Err, body.Kind, body.Access, body.Refresh, life, w.Header().Get("Cache-Control")}
}

func (q asker) exchange(code string, more ...string) answer {
	return q.token(clientID, secret, append([]string{"grant_type", "authorization_code", "code", code, "redirect_uri", back, "code_verifier", verifier}, more...)...)
}

func (q asker) signIn() answer { return q.exchange(q.consent()) }

func (q asker) consent() string {
	return q.code(url.Values{"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {back}, "scope": {"read offline"},
		"state": {"a state that is long enough"}, "code_challenge": {challenge()}, "code_challenge_method": {"S256"}})
}

func (q asker) refresh(token string) answer {
	return q.token(clientID, secret, "grant_type", "refresh_token", "refresh_token", token)
}

// serves tells whether the API takes an access token.
func (q asker) serves(token string) string {
	r := httptest.NewRequest(http.MethodGet, base+"/me", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return fmt.Sprint(q.ask(r).Code)
}

// questions are what a keeper's life depends on. Each gives what it saw.
var questions = map[string]func(q asker) []any{
	"a sign-in": func(q asker) []any { return []any{q.signIn()} },
	"a refresh": func(q asker) []any {
		first := q.signIn()
		second := q.refresh(first.refresh)
		return []any{second, second.refresh != first.refresh, second.access != first.access, q.serves(first.access), q.serves(second.access)}
	},
	"a spent refresh token": func(q asker) []any {
		first := q.signIn()
		second := q.refresh(first.refresh)
		return []any{q.refresh(first.refresh), q.serves(second.access), q.refresh(second.refresh)}
	},
	"an unknown refresh token": func(q asker) []any { return []any{q.refresh("unknown")} },
	"no refresh token":         func(q asker) []any { return []any{q.token(clientID, secret, "grant_type", "refresh_token")} },
	"a wrong secret": func(q asker) []any {
		first := q.signIn()
		return []any{q.token(clientID, "wrong", "grant_type", "refresh_token", "refresh_token", first.refresh), q.refresh(first.refresh)}
	},
	"an unknown client": func(q asker) []any {
		return []any{q.token("nobody", secret, "grant_type", "refresh_token", "refresh_token", "x")}
	},
	"a code twice": func(q asker) []any {
		code := q.consent()
		first := q.exchange(code)
		return []any{q.exchange(code), q.serves(first.access), q.refresh(first.refresh)}
	},
	"an unknown code": func(q asker) []any { return []any{q.exchange("unknown")} },
	"another redirect": func(q asker) []any {
		return []any{q.exchange(q.consent(), "redirect_uri", "http://127.0.0.1/elsewhere")}
	},
	"a wrong verifier": func(q asker) []any { return []any{q.exchange(q.consent(), "code_verifier", strings.Repeat("w", 43))} },
	"no verifier":      func(q asker) []any { return []any{q.exchange(q.consent(), "code_verifier", "")} },
	"an unknown grant type": func(q asker) []any {
		return []any{q.token(clientID, secret, "grant_type", "carrier_pigeon")}
	},
	"no grant type": func(q asker) []any { return []any{q.token(clientID, secret)} },
}

// differs names the questions, never latchkey's own, on which the issuer follows
// RFC 6749 section 5.2 and fosite does not.
var differs = map[string]string{
	"an unknown grant type": "unsupported_grant_type, where fosite says invalid_request",
	"no refresh token":      "invalid_request, where fosite says invalid_grant",
}

// The simulators' issuer, told to be as strict as fosite, answers as fosite does:
// what is proved against the one is proved against the other.
func TestSimulatorAgrees(t *testing.T) {
	for name, question := range questions {
		t.Run(name, func(t *testing.T) {
			got := fmt.Sprint(question(simulated(t))...)
			want := fmt.Sprint(question(genuine(t))...)
			if why := differs[name]; why != "" {
				if got == want {
					t.Errorf("both answer %s; said to differ: %s", got, why)
				}
				return
			}
			if got != want {
				t.Errorf("the simulator answers\n%s\nfosite answers\n%s", got, want)
			}
		})
	}
}

func genuine(t *testing.T) asker {
	s := newServer(t)
	ask := func(r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.mux.ServeHTTP(w, r)
		return w
	}
	return asker{t, ask, func(query url.Values) string {
		to, err := s.open(base + "/authorize?" + query.Encode())
		if err != nil {
			t.Fatal(err)
		}
		return to.Query().Get("code")
	}}
}

func simulated(t *testing.T) asker {
	issuer := simkit.NewIssuer(simkit.Rules{
		Clients: []simkit.Client{{ID: clientID, Secret: secret, Redirects: []string{back}}}, Users: []simkit.User{{Name: "anna"}},
		Auth: []simkit.ClientAuth{simkit.AuthBasicEncoded}, PKCE: true,
		Rotation: simkit.RotateNew, ReuseKills: true, CodeReuseKills: true, OldAccess: simkit.OldAccessEnds,
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/authorize", issuer.ServeAuthorize)
	mux.HandleFunc("/token", issuer.ServeToken)
	mux.HandleFunc("/me", func(w http.ResponseWriter, r *http.Request) {
		if _, ok := issuer.Bearer(r); !ok {
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
	ask := func(r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	return asker{t, ask, func(query url.Values) string {
		form := url.Values{"username": {"anna"}, "password": {""}, "decision": {"allow"}}
		r := httptest.NewRequest(http.MethodPost, base+"/authorize?"+query.Encode(), strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		to, err := ask(r).Result().Location()
		if err != nil {
			t.Fatal(err)
		}
		return to.Query().Get("code")
	}}
}
