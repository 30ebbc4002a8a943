package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/config"
	"latchkey/bridge/engine"
	"latchkey/bridge/oauth"
	"latchkey/bridge/store"
	"latchkey/bridge/web"
)

// doctor looks at what latchkey lives on, once. It changes nothing but for messages
// on topics of its own, which no broker keeps, and a file in the state folder that
// it removes.
type doctor struct {
	config    *config.Config
	file      string // of the configuration
	running   bool   // the daemon is up, so the page answers
	dial      func(ctx context.Context, network, address string) (net.Conn, error)
	transport http.RoundTripper
	trusted   func() bool // of the wall clock
	health    func(account string) bridge.Health
	doors     []string // entities that move something, as account/device/entity
	findings  []web.Finding
}

func (d *doctor) say(about string, grade web.Grade, advice, format string, args ...any) {
	d.findings = append(d.findings, web.Finding{About: about, Grade: grade, Message: fmt.Sprintf(format, args...), Advice: advice})
}

func (d *doctor) examine(ctx context.Context) web.Diagnosis {
	for _, w := range d.config.Warnings {
		d.say("config", web.Notice, "", "%s", w)
	}
	d.broker(ctx)
	d.clock(ctx)
	d.disk()
	d.files()
	d.redirect(ctx)
	d.signIns()
	d.openDoors()
	return web.Diagnosis{Findings: d.findings, ACL: accessRules(d.config)}
}

// signIns tells what a person has to do, and by when.
func (d *doctor) signIns() {
	if d.health == nil {
		return // the store could not be opened, which was said
	}
	for _, a := range d.config.Accounts {
		h := d.health(a.ID)
		switch {
		case h.UserAction != bridge.ActionNone && h.UserAction != "":
			message, advice := string(h.State), ""
			if h.LastError != nil {
				message += ": " + h.LastError.Message
			}
			if h.UserAction == bridge.ActionLogin {
				advice = "latchkey login " + a.ID
			}
			if !h.SignInBefore.IsZero() && h.State == bridge.Valid {
				message = "sign in again before " + h.SignInBefore.Local().Format(time.DateOnly)
			}
			d.say("sign-in", web.Trouble, advice, "%s: %s", a.ID, message)
		case !h.SignInBefore.IsZero():
			d.say("sign-in", web.Fine, "", "%s: %s; sign in again before %s", a.ID, h.State, h.SignInBefore.Local().Format(time.DateOnly))
		default:
			d.say("sign-in", web.Fine, "", "%s: %s", a.ID, h.State)
		}
	}
}

// openDoors names what a payload without time and id opens (hazards H3 to H5).
func (d *doctor) openDoors() {
	const advice = "Home Assistant is told to send both; set commands.require_envelope: true unless something else commands latchkey"
	switch {
	case d.config.Commands.RequireEnvelope:
		d.say("doors", web.Fine, "", "a command needs an id and a time (commands.require_envelope)")
	case len(d.doors) > 0:
		d.say("doors", web.Notice, advice, "these take a plain payload, so a late or repeated message may move them: %s", strings.Join(d.doors, ", "))
	default:
		d.say("doors", web.Notice, advice, "whatever can be commanded takes a plain payload, so a late or repeated message may move it")
	}
}

// doors names the entities whose verbs move something.
func (h *house) doors() (doors []string) {
	for _, l := range h.engine.Inventory() {
		t := h.tenant(l.Account)
		if t == nil {
			continue
		}
		moves := func(v bridge.Verb) bool {
			return slices.ContainsFunc(t.opened.Calls, func(c bridge.Call) bool { return c.Name == v.Call && c.Effect == bridge.Writes })
		}
		for _, dev := range l.Devices {
			for _, e := range dev.Entities {
				if slices.ContainsFunc(e.Verbs, moves) {
					doors = append(doors, l.Account+"/"+dev.ID+"/"+e.ID)
				}
			}
		}
	}
	slices.Sort(doors)
	return doors
}

// Doctor examines beside the running rooms.
func (h desk) Doctor(ctx context.Context) web.Diagnosis {
	d := &doctor{config: h.conf.Load(), file: h.o.Config, running: true, dial: h.o.Dial, transport: h.o.Transport, trusted: h.house.clock.Trusted,
		health: h.keeper.Health, doors: h.doors()}
	return d.examine(ctx)
}

// Examine is the doctor where no daemon runs: it reads the configuration and opens
// the store itself. The error is one of the configuration.
func Examine(ctx context.Context, o Options) (web.Diagnosis, error) {
	one := &daemon{o: o, log: slog.New(slog.DiscardHandler)}
	c, err := config.Load(one.configOptions())
	if err != nil {
		return web.Diagnosis{}, fmt.Errorf("%w\n%v", ErrConfig, err)
	}
	d := &doctor{config: c, file: o.Config, dial: o.Dial, transport: o.Transport, trusted: engine.NewClock(built()).Trusted}
	if _, err := os.Stat(filepath.Join(c.StateDir, "latchkey.db")); errors.Is(err, fs.ErrNotExist) {
		d.say("store", web.Notice, "", "there is none yet: the first start makes it in %s", c.StateDir)
		return d.examine(ctx), nil
	}
	s, err := store.Open(one.storeOptions(c))
	if err != nil {
		d.say("store", web.Trouble, "", "%v", err)
		return d.examine(ctx), nil
	}
	defer s.Close()
	// A keeper that does not run reads the records, and calls nobody.
	keeper := oauth.New(oauth.Options{Store: s, Owner: s.InstallationID(), ClockTrusted: d.trusted})
	for _, a := range c.Accounts {
		moved, err := s.Moved(a.ID)
		err = errors.Join(err, keeper.Add(oauth.Account{ID: a.ID, Dialect: a.Options.Profile(a.Settings).Dialect, SignInBefore: a.SignInBefore, Moved: moved}))
		if err != nil {
			d.say("sign-in", web.Trouble, "", "%s: %v", a.ID, err)
		}
	}
	d.health = keeper.Health
	return d.examine(ctx), nil
}
