package daemon

import (
	"context"
	"errors"
	"slices"

	"latchkey/bridge/config"
)

// errEnding says that a new configuration comes too late.
var errEnding = errors.New("latchkey is ending")

func (h *house) watchOptions() config.WatchOptions {
	sources := h.conf.Load().Sources
	return config.WatchOptions{
		Path: h.o.Config, Log: h.log,
		Sources: func() config.Sources { return sources },
		Changed: func() {
			c, err := config.Load(h.configOptions())
			sources = config.Seen(c, err)
			_ = h.apply(c, err) // has told everybody
		},
	}
}

// hangups looks at the file when the process is asked to.
func (h *house) hangups(ctx context.Context) error {
	for {
		select {
		case <-h.o.Hangup:
			_ = h.reload() // has told everybody
		case <-ctx.Done():
			return nil
		}
	}
}

// reload is the call of the bridge: the file is read now, whether or not a change
// was noticed.
func (h *house) reload() error {
	return h.apply(config.Settled(h.configOptions()))
}

// apply takes a new configuration up, or says why not: in the log, on the page
// and on MQTT. A bad one changes nothing.
func (h *house) apply(c *config.Config, err error) error {
	h.told(h.notify.Reloading)
	defer h.told(h.notify.Ready)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil && h.closing {
		err = errEnding
	}
	if err == nil {
		err = h.change(c)
	}
	if err != nil {
		h.log.Error("the changed configuration is not in force", "err", err)
		h.engine.ConfigError(err.Error())
		return err
	}
	h.engine.ConfigError("")
	return nil
}

// change moves accounts, or asks for a new house. The caller holds mu.
func (h *house) change(c *config.Config) error {
	now := h.conf.Load()
	changes := c.Changed(now)
	if changes.Log {
		h.setLog(c.Log.Level, c.Log.Format)
		h.log.Info("the log has another level or format", "level", c.Log.Level, "format", c.Log.Format)
	}
	h.warn(c, now.Warnings)
	for _, setting := range changes.Restart {
		h.log.Warn("this setting waits for a restart", "setting", setting)
	}
	// What waits for a restart stays as it is, also in a new house.
	c.Instance, c.StateDir, c.Store = now.Instance, now.StateDir, now.Store
	if len(changes.Sections) > 0 {
		h.log.Info("the configuration has changed", "sections", changes.Sections)
		select {
		case <-h.next: // one that nobody has taken yet is older
		default:
		}
		h.next <- c
		return nil
	}
	for _, id := range changes.Removed {
		h.log.Info("the account is taken out of the configuration", "account", id)
		h.moveOut(id, true)
	}
	var errs []error
	for _, a := range c.Accounts {
		added, changed := slices.Contains(changes.Added, a.ID), slices.Contains(changes.Changed, a.ID)
		if !added && !changed {
			continue
		}
		h.log.Info("the account is taken up", "account", a.ID, "changed", changed)
		h.moveOut(a.ID, changed && h.accounts[a.ID].Vendor != a.Vendor)
		if err := h.moveIn(a); err != nil {
			errs = append(errs, err)
		}
	}
	h.conf.Store(c)
	return errors.Join(errs...)
}
