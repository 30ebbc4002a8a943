package sensorberg_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/bridge"
	"latchkey/bridge/bridgetest"
	"latchkey/vendors/sensorberg"
	sim "latchkey/vendors/sensorberg/sensorbergsim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	bridgetest.Golden(t, *update, name, got)
}

const base = "https://base.sensorberg.com"

// settings are an application's, changed.
func settings(change ...func(*bridge.Settings)) bridge.Settings {
	s := bridge.Settings{ID: "house", Vendor: "sensorberg", Name: "House", BaseURL: base, Grant: bridge.GrantClient,
		ClientID: sim.DemoClient, ClientSecret: bridge.NewSecret(sim.DemoSecret), Poll: 15 * time.Minute}
	for _, f := range change {
		f(&s)
	}
	return s
}

// The other grants.
func byPassword(s *bridge.Settings) {
	s.Grant, s.Username, s.Password = bridge.GrantPassword, sim.DemoUser, bridge.NewSecret(sim.DemoPassword)
}

func byExternal(s *bridge.Settings) {
	s.Grant, s.ClientID, s.ClientSecret, s.ExternalToken = bridge.GrantPassword, sim.DemoMobile, bridge.Secret{}, bridge.NewSecret(sim.DemoExternal)
}

func byCode(s *bridge.Settings) { s.Grant = bridge.GrantCode }

// options are the defaults, changed.
func options(change ...func(*sensorberg.Options)) *sensorberg.Options {
	o := sensorberg.Driver().New().(*sensorberg.Options)
	for _, f := range change {
		f(o)
	}
	return o
}

// fields are what the keeper fills in.
type fields map[bridge.Field]string

func (f fields) with(d bridge.Dialect) fields {
	all := fields{bridge.FieldClientID: d.ClientID, bridge.FieldScope: d.Scope, bridge.FieldUsername: d.Login.Username,
		bridge.FieldPassword: d.Login.Password.Reveal(), bridge.FieldExternal: d.Login.External.Reveal()}
	for name, v := range f {
		all[name] = v
	}
	return all
}

func values(params []bridge.Param, f fields) url.Values {
	v := url.Values{}
	for _, p := range params {
		if p.From == bridge.FieldNone || f[p.From] != "" {
			v.Set(p.Name, p.Text+f[p.From])
		}
	}
	return v
}

// request makes one Ask's request, as the keeper does.
func request(d bridge.Dialect, ask *bridge.Ask, f fields) *http.Request {
	f = f.with(d)
	v := values(ask.Params, f)
	if ask.Client == bridge.ClientParams {
		v.Set("client_id", d.ClientID)
		if !d.Secret.Empty() {
			v.Set("client_secret", d.Secret.Reveal())
		}
	}
	method, target, body := ask.Method, ask.URL, ""
	if method == "" {
		method = http.MethodPost
	}
	if ask.In == bridge.InQuery {
		target += "?" + v.Encode()
	} else {
		body = v.Encode()
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	switch {
	case ask.Bearer:
		r.Header.Set("Authorization", "Bearer "+f[bridge.FieldAccessToken])
	case ask.Client == bridge.ClientBasic:
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(d.ClientID+":"+d.Secret.Reveal())))
	}
	return r
}

// speak sends an Ask to the simulator.
func speak(t *testing.T, s *sim.Sim, d bridge.Dialect, ask *bridge.Ask, f fields) (status int, members map[string]any) {
	t.Helper()
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, request(d, ask, f))
	_ = json.Unmarshal(w.Body.Bytes(), &members)
	return w.Code, members
}

// mustSpeak wants 200.
func mustSpeak(t *testing.T, s *sim.Sim, d bridge.Dialect, ask *bridge.Ask, f fields) map[string]any {
	t.Helper()
	status, members := speak(t, s, d, ask, f)
	if status != http.StatusOK {
		t.Fatalf("%s answered %d %v", ask.URL, status, members)
	}
	return members
}

// fakeCloud answers with one function and writes the requests down.
type fakeCloud struct {
	answer func(bridge.Request) (bridge.Reply, error)
	asked  []string
}

func (f *fakeCloud) Read(_ context.Context, r bridge.Request) (bridge.Reply, error) {
	f.asked = append(f.asked, fmt.Sprintf("read %+v", r))
	return f.answer(r)
}

func (f *fakeCloud) Act(context.Context, bridge.Request) (bridge.Reply, error) {
	return bridge.Reply{}, errors.New("nothing of this vendor's own moves")
}

// replies makes a fake that gives one answer.
func replies(status int, body string) *fakeCloud {
	return &fakeCloud{answer: func(bridge.Request) (bridge.Reply, error) {
		if status/100 != 2 {
			return bridge.Reply{}, &bridge.Failure{Reason: bridge.ReasonRejected, Status: status, Message: "refused"}
		}
		return bridge.Reply{Status: status, Type: "application/json", Body: []byte(body)}, nil
	}}
}

// simCloud is a bridge.Cloud over the simulator: one exchange, no repeating.
type simCloud struct {
	sim   *sim.Sim
	token string
}

func (c simCloud) Read(ctx context.Context, r bridge.Request) (bridge.Reply, error) {
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, base+r.Path, nil)
	req.Header.Set("Authorization", "Bearer "+c.token)
	w := httptest.NewRecorder()
	c.sim.Handler().ServeHTTP(w, req)
	return replies(w.Code, w.Body.String()).answer(r)
}

func (c simCloud) Act(context.Context, bridge.Request) (bridge.Reply, error) {
	return bridge.Reply{}, errors.New("nothing of this vendor's own moves")
}

// open opens the account; log is what it says.
func open(t *testing.T, cloud bridge.Cloud, change ...func(*sensorberg.Options)) (a bridge.Account, log *bytes.Buffer) {
	t.Helper()
	log = &bytes.Buffer{}
	a, err := options(change...).Open(settings(), bridge.Env{Account: "house", Cloud: cloud, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return a, log
}

// check runs the account's one task. It has nothing to report.
func check(t *testing.T, a bridge.Account) error {
	t.Helper()
	if len(a.Tasks) != 1 || a.Tasks[0].Name != "token_info" || a.Tasks[0].Every != 15*time.Minute {
		t.Fatalf("tasks: %+v", a.Tasks)
	}
	return a.Tasks[0].Do(t.Context(), func(facts ...bridge.Fact) { t.Errorf("reported %v", facts) })
}
