package daemon

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"latchkey/bridge/config"
	"latchkey/bridge/engine"
	"latchkey/bridge/logging"
	"latchkey/bridge/systemd"
	"latchkey/bridge/web"
)

// alone makes a house that of one command, where no daemon runs: the same rooms,
// but nothing of the broker and of Home Assistant runs, no task, and no watch.
// What it learns of devices is not stored: the inventory is the daemon's.
type alone struct {
	socket net.Listener // of the command, in this process
	page   bool         // web.listen is opened, for the way back of a sign-in; no password lets anybody in
	looks  bool         // at what is stored, without any account's secrets; nobody is asked
}

// Alone has one command speak to a house of its own, which holds one account and
// ends with the command. page opens web.listen, for the way back of a sign-in.
func Alone(ctx context.Context, o Options, account string, page bool, command func(*web.Client) error) error {
	if account == "" {
		return errUnknown(account)
	}
	socket, client := web.InProcess()
	h, err := o.buildAlone(alone{socket: socket, page: page}, account)
	if err != nil {
		return err
	}
	defer h.closeStore()
	ctx, end := context.WithCancel(ctx)
	defer end()
	ended := make(chan error, 1)
	go func() {
		_, err := h.run(ctx)
		ended <- err
	}()
	err = command(client)
	end()
	return errors.Join(err, <-ended)
}

// Stored is the status of a daemon that does not run, as its store has it.
func Stored(o Options) (web.Status, error) {
	socket, _ := web.InProcess()
	h, err := o.buildAlone(alone{socket: socket, looks: true}, "")
	if err != nil {
		return web.Status{}, err
	}
	defer h.closeStore()
	s := desk{h}.Status()
	s.MQTT = web.LinkStatus{Error: "latchkey does not run"}
	for i := range s.Accounts {
		s.Accounts[i].Token.NextRefreshAt = time.Time{} // nobody is there to do it
	}
	return s, h.web.Close()
}

// buildAlone opens the store and makes the house of a command.
func (o Options) buildAlone(a alone, account string) (*house, error) {
	unset := func(string) (string, bool) { return "", false } // systemd is told nothing
	d := &daemon{o: o, alone: &a, clock: engine.NewClock(built()), redact: new(logging.Redactor), notify: systemd.New(systemd.Options{Getenv: unset})}
	d.replaced.Store(&web.Replaced{})
	limited := d.configOptions()
	limited.Account, limited.NoSecrets = account, a.looks
	c, err := config.Load(limited)
	if err != nil {
		return nil, err
	}
	d.log, d.setLog = logging.New(logging.Options{Level: slog.LevelError, Format: "text", Out: o.Out, Getenv: o.Getenv, Redactor: d.redact})
	if d.store, err = OpenStore(c, d.log); err != nil {
		return nil, err
	}
	h, err := d.build(c)
	if err != nil {
		d.closeStore()
	}
	return h, err
}

// inventory is where the engine keeps devices.
func (d *daemon) inventory() engine.Inventory {
	kept := d.store.Record("inventory")
	if d.alone != nil { // its engine takes all other accounts for gone
		return engine.Inventory{Load: kept.Load}
	}
	return engine.Inventory{Load: kept.Load, Save: kept.Save}
}
