package daemon

import (
	"log/slog"

	"latchkey/bridge"
	"latchkey/bridge/config"
	"latchkey/bridge/operations"
)

// CheckOperations judges what the configuration says of operations and entities.
// The vendor's calls are known once it has opened the account, which connects to
// nothing; where its own options are wrong, only the rest is judged.
func CheckOperations(a config.Account) error {
	if a.Options.Check(a.Settings) != nil {
		return operations.Check(a.Settings, nil, nil)
	}
	profile := a.Options.Profile(a.Settings)
	if len(a.Operations)+len(a.Entities) == 0 && profile.Schema == "" {
		return nil
	}
	opened, err := a.Options.Open(a.Settings, bridge.Env{Account: a.ID, Notes: noNotes{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return operations.Check(a.Settings, &profile, nil)
	}
	return operations.Check(a.Settings, &profile, append([]bridge.Call{}, opened.Calls...))
}

// WarnOperations tells what is odd in them, and allowed.
func WarnOperations(a config.Account) error {
	if a.Options.Check(a.Settings) != nil {
		return nil
	}
	profile := a.Options.Profile(a.Settings)
	return operations.Warn(a.Settings, &profile)
}

// noNotes are those of an account that is opened only to be looked at.
type noNotes struct{}

func (noNotes) Load(string) ([]byte, error) { return nil, nil }
func (noNotes) Save(string, []byte) error   { return nil }

// extend adds the configured operations and entities, and the raw calls, to what
// the vendor has opened.
func (h *house) extend(t *tenant, profile bridge.Profile) (err error) {
	log := h.log.With("vendor", t.Vendor, "account", t.ID)
	t.opened, err = operations.Extend(operations.Options{Settings: t.Settings, Profile: profile, Cloud: t.cloud, Account: t.opened, Log: log})
	return err
}
