package daemon

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/config"
	"latchkey/bridge/engine"
	"latchkey/bridge/oauth"
	"latchkey/bridge/web"
)

// openWeb opens the page's port and the control socket.
func (h *house) openWeb(c *config.Config) error {
	socket, err := h.listenSocket(c.StateDir)
	if err != nil {
		return err
	}
	o := web.Options{Socket: socket, PublicURL: c.Web.PublicURL, Password: c.Web.Password, TrustedProxies: c.Web.TrustedProxies, Metrics: c.Web.Metrics,
		Version: h.o.Version, Daemon: desk{h}, SignIn: desk{h}, Push: desk{h}, Keys: desk{h}, Vault: desk{h}, Doctor: desk{h}.Doctor, Samples: h.samples, Openings: h.readLog, Log: h.log}
	if c.Web.Listen != "" && (h.alone == nil || h.alone.page) {
		if o.Listener, err = net.Listen("tcp", c.Web.Listen); err != nil {
			return errors.Join(fmt.Errorf("open the page (web.listen): %w", err), socket.Close())
		}
		h.page = "http://" + o.Listener.Addr().String()
		if c.Web.MakePassword {
			if o.Password, err = h.makePassword(c.StateDir); err != nil {
				return errors.Join(err, o.Listener.Close(), socket.Close())
			}
		}
	}
	h.redact.Add(o.Password)
	h.web, err = web.New(o)
	return err
}

// makePassword makes the page's password on first start and prints it once: in a
// container loopback cannot be published, so the page needs one.
func (d *daemon) makePassword(dir string) (bridge.Secret, error) {
	path := filepath.Join(dir, "web_password")
	kept, err := os.ReadFile(path)
	if err == nil && len(bytes.TrimSpace(kept)) > 0 {
		return bridge.NewSecret(string(bytes.TrimSpace(kept))), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return bridge.Secret{}, fmt.Errorf("read the page's password: %w", err)
	}
	text := rand.Text()
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		return bridge.Secret{}, fmt.Errorf("keep the page's password: %w", err)
	}
	fmt.Fprintf(d.o.Out, "\nThe page's password, shown this once (it is kept in %s):\n\n    %s\n\n", path, text)
	return bridge.NewSecret(text), nil
}

// desk is the house as bridge/web sees it.
type desk struct{ *house }

var (
	_ web.Daemon = desk{}
	_ web.SignIn = desk{}
	_ web.Push   = desk{}
	_ web.Keys   = desk{}
	_ web.Vault  = desk{}
)

func (d desk) Status() web.Status {
	s, link := d.engine.Status(), d.link.State()
	out := web.Status{Version: d.o.Version, Instance: d.conf.Load().Instance, StartedAt: d.started, ConfigError: s.ConfigError,
		MQTT: web.LinkStatus{Broker: d.conf.Load().MQTT.Broker, Open: link.Open, Since: link.Since}, Problems: []web.Problem{}, Accounts: []web.AccountStatus{}, Commands: []bridge.Result{}}
	if link.Err != nil {
		out.MQTT.Error = link.Err.Error()
	}
	for _, p := range s.Problems {
		out.Problems = append(out.Problems, web.Problem(p))
	}
	for _, a := range s.Accounts {
		account := web.AccountStatus{ID: a.ID, Name: a.Name, Vendor: a.Vendor, Online: a.Health.State.Serves(), Token: a.Health, Devices: []web.DeviceStatus{}}
		for _, dev := range a.Devices {
			device := web.DeviceStatus{ID: dev.ID, Name: dev.Name, Model: dev.Model, Online: dev.Online, Entities: []web.EntityStatus{}}
			for _, e := range dev.Entities {
				device.Entities = append(device.Entities, web.EntityStatus{ID: e.ID, Name: e.Name, Kind: e.Kind, Value: dev.Values[e.ID]})
			}
			account.Devices = append(account.Devices, device)
		}
		out.Accounts = append(out.Accounts, account)
	}
	for _, c := range d.engine.Last() {
		out.Commands = append(out.Commands, c.Result)
	}
	out.Commands = append(out.Commands, d.earlier[:min(len(d.earlier), max(commandsShown-len(out.Commands), 0))]...)
	return out
}

func (d desk) Call(ctx context.Context, source string, ask web.CallAsk) bridge.Result {
	args := make(map[string]any, len(ask.Args))
	for name, value := range ask.Args {
		args[name] = value
	}
	return d.engine.Do(ctx, engine.Ask{Source: engine.Source(source), Account: ask.Account, Name: ask.Name, Args: args})
}

func (d desk) Logout(ctx context.Context, account string) (web.Farewell, error) {
	t := d.tenant(account)
	if t == nil {
		return web.Farewell{}, errUnknown(account)
	}
	bye, err := d.keeper.Logout(ctx, account)
	if err != nil {
		return web.Farewell{}, err
	}
	if err := d.store.Forget(account); err != nil {
		return web.Farewell{}, fmt.Errorf("signed out, but earlier tokens could not be wiped: %w", err)
	}
	return web.Farewell{Revoked: bye.Revoked, Message: bye.Message}, nil
}

func (d desk) Begin(account, bind string) (string, error) {
	if d.tenant(account) == nil {
		return "", errUnknown(account)
	}
	begun, err := d.keeper.Begin(account, d.conf.Load().Web.PublicURL+"/oauth/callback", bind)
	return begun.URL, err
}

func (d desk) Finish(ctx context.Context, account, back, bind string) (web.SignedIn, error) {
	returned, err := returnOf(account, back)
	if err != nil {
		return web.SignedIn{}, err
	}
	returned.Bind = bind
	account, err = d.keeper.Finish(ctx, returned)
	if other := new(oauth.OtherIdentity); errors.As(err, &other) {
		return web.SignedIn{Account: account, Other: true, Message: other.Error()}, nil
	}
	name := account
	if t := d.tenant(account); t != nil {
		name = t.Name
	}
	return web.SignedIn{Account: account, Message: name + " is signed in."}, err
}

// returnOf reads what came back from a consent page; with an account, by hand.
func returnOf(account, back string) (oauth.Callback, error) {
	if account != "" {
		return oauth.ReadPasted(account, back)
	}
	query, _ := url.ParseQuery(back) // what is broken in it is not there
	return oauth.ReadCallback(query)
}

func (d desk) Confirm(ctx context.Context, account string) error {
	return d.keeper.Confirm(ctx, account)
}

func (d desk) Push(vendor, account, authorization string, body []byte) error {
	t := d.tenant(account)
	if t == nil || t.Vendor != vendor || t.opened.Push == nil || t.opened.Push.Key.Empty() {
		return errUnknown(account)
	}
	if !bridge.NewSecret("key=" + t.opened.Push.Key.Reveal()).Equal(bridge.NewSecret(authorization)) {
		return web.ErrPushKey
	}
	// Whether anybody here wanted it is not the sender's business (and an unknown
	// station of the same company is normal).
	_, err := d.engine.Push(account, body, time.Now())
	return err
}

func (d desk) Hook(vendor, account, secret string, query url.Values, body []byte) error {
	t := d.tenant(account)
	if t == nil || t.Vendor != vendor || t.opened.Push == nil || t.opened.Push.Hook == nil {
		return errUnknown(account)
	}
	kept, err := d.store.Note(account).Load(hookNote)
	if err != nil || len(kept) == 0 || !bridge.NewSecret(string(kept)).Equal(bridge.NewSecret(secret)) {
		return errUnknown(account)
	}
	return d.engine.Hook(account, query, body, time.Now())
}

func errUnknown(account string) error {
	return fmt.Errorf("no account is called %q", account)
}
