package bridgetest

import (
	"cmp"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
	"latchkey/bridge/simkit"
)

// refreshesOnce: an access token that ended too early is renewed by one request,
// however many ask.
func refreshesOnce(t *testing.T, v Vendor) {
	h := begin(t, v)
	h.endAccess()
	before := h.renewals()
	var asking sync.WaitGroup
	for range 4 {
		asking.Go(func() {
			if err := h.call(t.Context(), v.Read); err != nil {
				t.Errorf("%s: %v", v.Read, err)
			}
		})
	}
	asking.Wait()
	if n := h.renewals() - before; n != 1 {
		t.Errorf("%d renewals, want 1", n)
	}
}

// youth is how long the keeper does not renew a token that is refused: an API that
// says 401 for want of a right must not spend the account's refreshes.
const youth = 6 * time.Second

// endAccess ends the access token before its time, once it is old enough for that
// to be believed.
func (h *home) endAccess() {
	<-time.After(time.Until(h.keeper.Health(one).RefreshedAt.Add(youth)))
	h.sim.Issuer.EndAccess()
}

// refusedGrant: while the access token serves a person is told and work goes on;
// when it does not, somebody has to sign in.
func refusedGrant(t *testing.T, v Vendor) {
	if v.Person.Name == "" {
		t.Skip("nobody signs in")
	}
	h := begin(t, v)
	h.sim.Issuer.Change(func(rules *simkit.Rules) { rules.ReuseKills = false }) // the access token is to live
	for _, text := range h.sim.Issuer.Secrets() {
		if token, ok := h.sim.Issuer.Look(text); ok && token.Use == "refresh" {
			h.sim.Issuer.End(text, false)
		}
	}
	h.refuses(cmp.Or(v.Refused, bridge.LoginNeeded), bridge.ActionLogin)
}

// otherPerson: a sign-in that landed on another account changes nothing until
// somebody says yes (T21); one on the same account does not ask.
func otherPerson(t *testing.T, v Vendor) {
	if v.Other.Name == "" {
		t.Skip("nobody else signs in")
	}
	h := begin(t, v)
	before := h.keeper.Identity(one)
	if err := h.signIn(v.Person); err != nil || before == "" {
		t.Errorf("the same person again, of %q: %v", before, err)
	}
	var other *oauth.OtherIdentity
	if err := h.signIn(v.Other); !errors.As(err, &other) || other.Had != before || h.keeper.Identity(one) != before {
		t.Fatalf("somebody else: %v; the account is of %q, was of %q", err, h.keeper.Identity(one), before)
	}
	if r := h.do(Command{Name: v.Read}); r.Reason != bridge.ReasonOK {
		t.Errorf("%s of the old grant: %s (%s)", v.Read, r.Reason, r.Message)
	}
	if err := h.keeper.Confirm(t.Context(), one); err != nil || h.keeper.Identity(one) != other.Got {
		t.Errorf("the yes: %v; the account is of %q", err, h.keeper.Identity(one))
	}
}

// refusedClient: the secret is not the vendor's any more.
func refusedClient(t *testing.T, v Vendor) {
	h := begin(t, v)
	if h.account.ClientSecret.Empty() {
		t.Skip("the client has no secret")
	}
	h.sim.Issuer.Change(func(rules *simkit.Rules) {
		for i := range rules.Clients {
			rules.Clients[i].Secret += "-changed"
		}
	})
	want := cmp.Or(v.NoClient, bridge.Misconfigured)
	action := bridge.ActionCheckClient
	if want != bridge.Misconfigured {
		action = ""
	}
	h.refuses(want, action)
}

// refuses refreshes, which the vendor refuses: first the access token still
// serves, then it does not.
func (h *home) refuses(want bridge.TokenState, action bridge.UserAction) {
	h.t.Helper()
	if err := h.keeper.Refresh(h.t.Context(), one); err == nil {
		h.t.Fatal("the refresh was granted: the test refuses nothing")
	}
	if got := h.keeper.Health(one); got.State != bridge.Retrying || action != "" && got.UserAction != action {
		h.t.Errorf("refused while the access token serves: %s, %s, want retrying, %s", got.State, got.UserAction, action)
	}
	if r := h.do(Command{Name: h.v.Read}); r.Reason != bridge.ReasonOK {
		h.t.Errorf("the access token serves, but %s came to %s: %s", h.v.Read, r.Reason, r.Message)
	}
	h.endAccess()
	if r := h.do(Command{Name: h.v.Read}); r.Reason == bridge.ReasonOK {
		h.t.Errorf("%s is ok without a token that serves", h.v.Read)
	}
	if got := h.await(want); action != "" && got.UserAction != action {
		h.t.Errorf("%s asks for %s, want %s", got.State, got.UserAction, action)
	}
}

// stopsInRefresh: the refresh token has been rotated, its successor is on the wire
// when the daemon is stopped; the next start has it.
func stopsInRefresh(t *testing.T, v Vendor) {
	h := begin(t, v)
	worked, release := make(chan struct{}), make(chan struct{})
	h.sim.Faults.Add(simkit.Fault{On: h.token(), Do: func(e *simkit.Exchange) {
		a := e.Work()
		close(worked)
		<-release
		e.Send(a)
	}})
	refreshed := make(chan error, 1)
	go func() { refreshed <- h.keeper.Refresh(t.Context(), one) }()
	<-worked
	h.stopEngine()
	stopped := make(chan struct{})
	go func() { defer close(stopped); h.stopKeeper() }()
	close(release)
	<-stopped
	<-refreshed // what its caller hears does not matter
	signIns := len(h.sim.Log.Of("GET " + h.consent()))
	h.start()
	if err := h.keeper.Refresh(t.Context(), one); err != nil {
		t.Errorf("refresh after the restart: %v", err)
	}
	if n := len(h.sim.Log.Of("GET " + h.consent())); n != signIns {
		t.Error("somebody had to sign in again")
	}
}

// revokes: after a logout that is said to have revoked, the vendor takes no token
// of the account any more, but for those of one resource, which end by themselves.
func revokes(t *testing.T, v Vendor) {
	h := begin(t, v)
	h.stopEngine()
	bye, err := h.keeper.Logout(t.Context(), one)
	if can := len(h.profile.Dialect.Revoke) > 0; err != nil || bye.Revoked != can {
		t.Fatalf("logout: %+v, %v; the vendor can revoke: %v", bye, err, can)
	}
	for _, text := range h.sim.Issuer.Secrets() {
		if token, ok := h.sim.Issuer.Look(text); ok && token.Live && bye.Revoked && (h.profile.Dialect.Narrow == nil || token.Mate != "") {
			t.Errorf("%s, but the %s token lives", bye.Message, token.Use)
		}
	}
	h.await(bridge.SignedOut)
}

// consent is the path of the consent page, one that is never asked for without it.
func (h *home) consent() string {
	if a := h.profile.Dialect.Authorize; a != nil {
		return pathOf(a.URL)
	}
	return "/no/consent/page"
}

// badTokenReplies: a refresh that is answered by nonsense, nothing being done,
// costs nothing: when the access token ends, the grant is still there.
func badTokenReplies(t *testing.T, v Vendor) {
	var all sync.WaitGroup
	for name, deed := range nonsense() {
		if name == halfAnswer {
			continue // there the work is done: that pair is lost on the wire, which no client can help
		}
		beside(t, &all, name, func(t *testing.T) {
			h := begin(t, v)
			end := h.sim.Faults.Add(simkit.Fault{On: h.token(), Times: simkit.Always, Do: deed})
			if err := h.keeper.Refresh(t.Context(), one); err == nil {
				t.Error("it is taken for a token")
			}
			h.await(bridge.Retrying)
			end()
			h.endAccess()
			_ = h.call(t.Context(), v.Read) // finds that out; whether it waits for the next try is the keeper's business
			if err := h.keeper.Refresh(t.Context(), one); err != nil {
				t.Errorf("refresh afterwards: %v", err)
			}
			h.await(bridge.Valid)
		})
	}
	all.Wait()
}

// unknownKeys: a misspelt key is found where it stands.
func unknownKeys(t *testing.T, v Vendor) {
	h := newHome(t, v)
	for what, keys := range map[string][2]string{"account": {v.Settings + "\ncolour_of_door: green", v.Options}, "options": {v.Settings, "{colour_of_door: green}"}} {
		_, err := h.load(keys[0], keys[1])
		if err == nil {
			t.Errorf("%s: an unknown key is taken", what)
			continue
		}
		if want := h.place("colour_of_door"); !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v\ndoes not name %s", what, err, want)
		}
	}
}
