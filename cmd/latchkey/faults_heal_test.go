package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
	"latchkey/bridge/store"
)

// signInAt begins a sign-in and does what a person does in a browser.
func signInAt(ctx context.Context, k *oauth.Keeper) (oauth.Callback, error) {
	begun, err := k.Begin(faultAccount, faultBack, "")
	if err != nil {
		return oauth.Callback{}, err
	}
	back, err := faultPerson.Allow(ctx, begun.URL)
	if err != nil {
		return oauth.Callback{}, err
	}
	return oauth.ReadPasted(faultAccount, back)
}

// heal is the next process, on what the child left: it checks what is stored, and
// that the account works by itself as long as the server honours anything of it.
// It tells whether the grant was lost, where that may be.
func (c *faultCase) heal() (lost bool) {
	c.t.Helper()
	s, err := store.Open(store.Options{Dir: c.dir, Key: faultKey, Keep: oauth.Keep})
	if err != nil {
		c.t.Errorf("the store does not open: %v", err)
		return false
	}
	defer s.Close()
	if r := s.Recovered(); r != nil {
		c.t.Errorf("the store had to be recovered: %s", r.Cause)
	}
	stored := c.stored(s)
	if c.handed != "" && c.handed != c.before.Pair.Access && c.handed != stored.Pair.Access {
		c.t.Error("an access token was handed out that is not on the disk")
	}
	alive := slices.ContainsFunc(stored.refreshTokens(), c.cloud.live)
	fresh := c.before.Pair.Refresh != "" && c.cloud.live(c.before.Pair.Refresh)
	if fresh && !slices.Contains(stored.refreshTokens(), c.before.Pair.Refresh) && !alive {
		c.t.Error("the grant of before is gone, which the server still honours")
	}
	if !alive && (c.scene != "first" || c.cloud.calls() > 0) && !c.mayLose() {
		c.t.Errorf("nothing that is stored can be renewed; last step %q", c.last())
	}
	c.cloud.mu.Lock()
	c.cloud.hands = append(c.cloud.hands, stored.Pair.Access)
	c.cloud.mu.Unlock()
	c.restart(s, stored, alive)
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	for _, wrong := range c.cloud.wrong {
		c.t.Error(wrong)
	}
	return !alive && c.cloud.Log.Count("POST /token") > 0
}

func (c *faultCase) stored(s *store.Store) (r faultRecord) {
	c.t.Helper()
	record, _, err := s.Load(c.t.Context(), faultAccount)
	if err == nil && len(record) > 0 {
		err = json.Unmarshal(record, &r)
	}
	if err != nil {
		c.t.Errorf("the record cannot be read: %v", err)
	}
	return r
}

// restart runs a keeper as the next process does.
func (c *faultCase) restart(s *store.Store, stored faultRecord, alive bool) {
	c.t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	valid := make(chan struct{})
	tell := sync.OnceFunc(func() { close(valid) })
	k := oauth.New(oauth.Options{Store: s, Transport: transport, Owner: "here", OnHealth: func(_ string, h bridge.Health) {
		if h.State == bridge.Valid {
			tell()
		}
	}})
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			c.t.Errorf("the next process did not stop in order: %v", err)
		}
	}()
	calls := c.cloud.calls()
	if err := k.Add(oauth.Account{ID: faultAccount, Dialect: faultDialect(c.cloud.url)}); err != nil {
		c.t.Fatal(err)
	}
	serves := stored.Pair.Access != "" && time.Now().Before(stored.Pair.Expires)
	if serves && stored.Intent != nil {
		// (a): the access token serves, so nothing is sent, not even because a person
		// asks.
		var f *bridge.Failure
		if err := k.Refresh(ctx, faultAccount); !errors.As(err, &f) || f.Reason != bridge.ReasonDenied {
			c.t.Errorf("Refresh() = %v with an open journal and an access token that serves, want denied", err)
		}
		if n := c.cloud.calls() - calls; n != 0 {
			c.t.Errorf("%d token calls with an open journal and an access token that serves", n)
		}
		// It ends, and the API says so, as bridge/cloud would tell.
		c.cloud.Issuer.EndAccess()
		k.Tokens(faultAccount).Refused(bridge.Bearer{Token: bridge.NewSecret(stored.Pair.Access)})
	}
	switch {
	case stored.Pending != nil: // its sign-in is finished
		select {
		case <-valid:
		case <-ctx.Done():
			c.t.Error("a sign-in that was saved is not finished by the next process")
		}
	case stored.Pair.Access == "":
		c.signInAgain(ctx, k)
		return
	}
	c.wantBearer(ctx, k, alive)
}

// wantBearer wants a token that serves, or the words for a grant that is gone, and
// then that a sign-in mends it.
func (c *faultCase) wantBearer(ctx context.Context, k *oauth.Keeper, alive bool) {
	c.t.Helper()
	b, err := k.Tokens(faultAccount).Bearer(bridge.NewPermit(time.Now().Add(10*time.Second), 1).With(ctx), "")
	if alive {
		if err != nil || !c.cloud.live(b.Token.Reveal()) {
			c.t.Errorf("Bearer() = %v; the token serves: %v", err, c.cloud.live(b.Token.Reveal()))
		}
		return
	}
	h := k.Health(faultAccount)
	if err == nil || h.State != bridge.LoginNeeded || h.Reason != bridge.HealthLostInFlight {
		c.t.Errorf("Bearer() = %v and health %s, %q for a grant that is gone; want login_needed, lost_in_flight", err, h.State, h.Reason)
	}
	c.signInAgain(ctx, k)
}

func (c *faultCase) signInAgain(ctx context.Context, k *oauth.Keeper) {
	c.t.Helper()
	cb, err := signInAt(ctx, k)
	if err == nil {
		_, err = k.Finish(ctx, cb)
	}
	b, err2 := k.Tokens(faultAccount).Bearer(ctx, "")
	if err != nil || err2 != nil || !c.cloud.live(b.Token.Reveal()) {
		c.t.Errorf("a sign-in mends nothing: %v, %v", err, err2)
	}
}
