package daemon

import (
	"context"
	"errors"
	"io"

	"latchkey/bridge"
	"latchkey/bridge/oauth"
	"latchkey/bridge/store"
	"latchkey/bridge/web"
)

// Tokens lists the generations of an account's credentials, the newest first.
// The commands use it too where no daemon runs.
func Tokens(s *store.Store, account string) ([]web.KeptToken, error) {
	generations, err := s.Generations(account)
	if err != nil {
		return nil, err
	}
	all := []web.KeptToken{}
	for _, g := range generations {
		record, err := s.Kept(account, g.Number)
		if err != nil {
			return nil, err
		}
		kept := web.KeptToken{Generation: g.Number, InUse: g.Current, SavedAt: g.Saved}
		if sum, err := oauth.Summarize(record); err != nil {
			kept.Ended = err.Error()
		} else {
			kept.SignedInAt, kept.ObtainedAt, kept.ExpiresAt = sum.SignedIn, sum.Obtained, sum.Expires
			kept.Scope, kept.Identity, kept.Access, kept.Refresh = sum.Scope, sum.Identity, sum.Access, sum.Refresh
			kept.Spent, kept.Ended = sum.Open, sum.Ended
		}
		all = append(all, kept)
	}
	return all, nil
}

func (d desk) Tokens(account string) ([]web.KeptToken, error) { return Tokens(d.store, account) }

// RestoreToken reloads the keeper's record. A refresh in flight notices that the
// generation is another one, and what it brings becomes the fallback.
func (d desk) RestoreToken(ctx context.Context, account string, generation uint64) (uint64, error) {
	number, err := d.store.Restore(account, generation)
	if err == nil && d.tenant(account) != nil {
		err = d.keeper.Reload(ctx, account)
	}
	if err == nil {
		d.log.Info("earlier credentials were brought back", "account", account, "generation", number)
	}
	return number, err
}

func (d desk) Backup(w io.Writer) error { return d.store.Backup(w) }

func (d desk) Rekey() (waits string, err error) {
	if waits, err = Rekey(d.store); err == nil {
		d.log.Info("the store has a new key", "file", waits)
	}
	return waits, err
}

// Rekey makes a new key for a store, and tells in which file it waits for a person;
// "": it has taken the old one's place.
func Rekey(s *store.Store) (waits string, err error) {
	err = s.Rekey(bridge.Secret{})
	return s.KeyWaits(), err
}

// TakeOver lets all accounts refresh what came with a backup.
func (d desk) TakeOver() error {
	if err := d.store.TakeOver(); err != nil {
		return err
	}
	d.log.Info("restored credentials are taken over")
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, t := range d.accounts {
		errs = append(errs, d.keep(t.Account, t.Options.Profile(t.Settings)))
	}
	return errors.Join(errs...)
}
