package daemon

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	"latchkey/bridge"
	"latchkey/bridge/cloud"
	"latchkey/bridge/config"
	"latchkey/bridge/engine"
	"latchkey/bridge/oauth"
	"latchkey/bridge/operations"
)

// hookNote is where an account's secret path is kept.
const hookNote = "hook_secret"

// tenant is an account that lives in the house.
type tenant struct {
	config.Account
	identity string // whose it was when it was opened
	cloud    *cloud.Client
	opened   bridge.Account
}

// moveIn takes an account up in all rooms: its tokens are kept, its client made,
// its functions opened. The caller holds mu, or nothing runs yet.
func (h *house) moveIn(a config.Account) error {
	for _, secret := range []bridge.Secret{a.ClientSecret, a.Password, a.ExternalToken, a.Token} {
		h.redact.Add(secret)
	}
	profile := a.Options.Profile(a.Settings)
	err := h.keep(a, profile)
	if err != nil {
		return err
	}
	t := &tenant{Account: a, identity: h.keeper.Identity(a.ID), cloud: cloud.New(cloud.Options{Account: a.ID, Vendor: a.Vendor, Version: h.o.Version, Profile: profile, Tokens: h.keeper.Tokens(a.ID),
		Transport: h.o.Transport, Seen: h.clock.Seen, Log: h.log})}
	t.opened, err = a.Options.Open(a.Settings, bridge.Env{Account: a.ID, Identity: t.identity, Cloud: t.cloud, HookURL: h.hookURL(a), Notes: h.store.Note(a.ID),
		Log: h.log.With("vendor", a.Vendor, "account", a.ID)})
	if err != nil {
		return fmt.Errorf("account %q: %w", a.ID, err)
	}
	if t.opened.Push != nil {
		h.redact.Add(t.opened.Push.Key)
	}
	if err := h.extend(t, profile); err != nil {
		return err
	}
	if h.alone != nil {
		t.opened.Tasks = nil
	}
	t.opened.Calls = append(slices.Clip(t.opened.Calls), h.ownCalls(a.ID, profile)...)
	err = h.engine.Add(engine.Account{ID: a.ID, Name: a.Name, Vendor: a.Vendor, Area: a.Area, Permissions: a.Permissions, RawWrites: a.RawWrites, Bridge: t.opened, Gone: operations.Gone(a.Settings)})
	if err != nil {
		return err
	}
	h.accounts[a.ID] = t
	// The engine learns the health from here once, then from onHealth.
	h.engine.Health(a.ID, h.keeper.Health(a.ID))
	return nil
}

// keep has the keeper take an account up, or look at it anew.
func (h *house) keep(a config.Account, profile bridge.Profile) error {
	moved, err := h.store.Moved(a.ID)
	if err != nil {
		return fmt.Errorf("account %q: %w", a.ID, err)
	}
	return h.keeper.Add(oauth.Account{ID: a.ID, Dialect: profile.Dialect, Keepalive: a.Keepalive, SignInBefore: a.SignInBefore, LoginURL: h.loginURL(a.ID), Moved: moved})
}

// moveOut lets an account go. forget: it has left the configuration, so its
// topics, documents and devices go too; its credentials stay until a logout.
func (h *house) moveOut(id string, forget bool) {
	t := h.accounts[id]
	if t == nil {
		return
	}
	delete(h.accounts, id)
	h.engine.Remove(id, forget)
	if forget {
		h.keeper.Remove(id)
	}
	t.cloud.Close()
}

// identify opens an account again when it is another's than before: a first
// sign-in, or one that a person confirmed (hazard T21).
func (h *house) identify(ctx context.Context) error {
	for {
		select {
		case <-h.health:
		case <-ctx.Done():
			return nil
		}
		h.mu.Lock()
		for id, t := range h.accounts {
			if h.closing || h.keeper.Identity(id) == t.identity {
				continue
			}
			h.moveOut(id, false)
			if err := h.moveIn(t.Account); err != nil {
				h.log.Error("the account could not be opened again after a sign-in", "account", id, "err", err)
			}
		}
		h.mu.Unlock()
	}
}

// tenant finds an account that lives here; nil: there is none.
func (h *house) tenant(id string) *tenant {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.accounts[id]
}

// hookURL makes the account's secret path at its first use.
func (h *house) hookURL(a config.Account) func() (bridge.Secret, error) {
	if h.conf.Load().Web.Listen == "" {
		return nil
	}
	notes, base := h.store.Note(a.ID), h.conf.Load().Web.PublicURL
	return func() (bridge.Secret, error) {
		kept, err := notes.Load(hookNote)
		if err == nil && len(kept) == 0 {
			kept = []byte(rand.Text())
			err = notes.Save(hookNote, kept)
		}
		if err != nil {
			return bridge.Secret{}, fmt.Errorf("keep the secret of the hooks: %w", err)
		}
		h.redact.Add(bridge.NewSecret(string(kept))) // a cloud may repeat what it was sent
		return bridge.NewSecret(base + "/hooks/" + a.Vendor + "/" + a.ID + "/" + string(kept)), nil
	}
}

func (h *house) loginURL(account string) string {
	if h.page == "" {
		return ""
	}
	return h.conf.Load().Web.PublicURL + "/accounts/" + account + "/login"
}
