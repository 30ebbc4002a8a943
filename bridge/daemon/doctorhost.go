package daemon

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/web"
)

const (
	clockOff  = 30 * time.Second // between this clock and a cloud's (hazard H16)
	lowSpace  = 16 << 20         // bytes: below it a rekey or a backup may not fit
	askWait   = 5 * time.Second
	privateTo = 0o077 // nobody but the owner
)

// clock asks the clouds for the time; a second is the accuracy of their answers.
func (d *doctor) clock(ctx context.Context) {
	if !d.trusted() {
		d.say("clock", web.Trouble, "set the clock, or let NTP do it", "the clock of this machine is wrong, so commands that carry their time are refused")
	}
	asked := map[string]bool{}
	agree := 0
	for _, a := range d.config.Accounts {
		base, err := url.Parse(a.BaseURL)
		if err != nil || base.Host == "" || asked[base.Host] {
			continue
		}
		asked[base.Host] = true
		date, err := d.date(ctx, base.Scheme+"://"+base.Host+"/")
		off := time.Until(date).Round(time.Second)
		switch {
		case err != nil:
			d.say("clock", web.Notice, "look at the network and the DNS of this machine", "%s does not answer, so it cannot tell the time: %v", base.Host, err)
		case date.IsZero():
		case off.Abs() > clockOff:
			d.say("clock", web.Trouble, "set the clock, or let NTP do it", "by the clock of %s this machine is %s off", base.Host, off)
		default:
			agree++
		}
	}
	if agree > 0 && d.trusted() {
		d.say("clock", web.Fine, "", "the clock agrees with %d of %d clouds", agree, len(asked))
	}
}

// date is the Date of a server's answer, whatever it answers; zero: it tells none.
// Plain HTTP proves nothing, but for this machine's own.
func (d *doctor) date(ctx context.Context, address string) (date time.Time, err error) {
	resp, err := d.ask(ctx, http.MethodHead, address)
	if err != nil {
		return date, err
	}
	host, _ := url.Parse(address) // it was parsed before
	if resp.TLS == nil && !isLoopback(host.Hostname()) {
		return date, nil
	}
	date, _ = http.ParseTime(resp.Header.Get("Date"))
	return date, nil
}

func (d *doctor) ask(ctx context.Context, method, address string) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, askWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: d.transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	return resp, resp.Body.Close()
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// disk tries the one thing that must not fail: a small file, safe on the disk.
func (d *doctor) disk() {
	dir := d.config.StateDir
	var st syscall.Statfs_t
	switch err := syscall.Statfs(dir, &st); {
	case errors.Is(err, fs.ErrNotExist) && !d.running:
		return // the first start makes it
	case err != nil:
		d.say("disk", web.Trouble, "is state_dir there and mounted?", "%s: %v", dir, err)
		return
	}
	free := uint64(st.Bavail) * uint64(st.Bsize)
	f, err := os.CreateTemp(dir, "doctor-*.tmp")
	if err == nil {
		_, err = f.Write(make([]byte, 4096))
		err = cmp.Or(err, f.Sync(), f.Close(), os.Remove(f.Name()))
	}
	switch {
	case err != nil:
		d.say("disk", web.Trouble, "make room, or make it writable: tokens cannot be renewed until then", "%s: %v", dir, err)
	case free < lowSpace:
		d.say("disk", web.Trouble, "make room: without it tokens cannot be renewed", "%s: only %d MiB are free", dir, free>>20)
	default:
		d.say("disk", web.Fine, "", "%s: writable, %d MiB free", dir, free>>20)
	}
}

// files looks who may read what is secret.
func (d *doctor) files() {
	wrong := 0
	look := func(path string, forbidden fs.FileMode, advice string) {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&forbidden == 0 {
			return // one that is missing is somebody else's to tell
		}
		wrong++
		d.say("files", web.Trouble, advice+" "+path, "%s has mode %04o: others can read it", path, info.Mode().Perm())
	}
	dir := d.config.StateDir
	look(dir, privateTo, "chmod 700")
	own, _ := filepath.Glob(filepath.Join(dir, "latchkey.*"))
	copies, _ := filepath.Glob(filepath.Join(dir, "copies", "*"))
	for _, path := range append(append(own, copies...), filepath.Join(dir, "web_password")) {
		look(path, privateTo, "chmod 600")
	}
	if key := d.config.Store.KeyFile; key != "" {
		look(key, privateTo, "chmod 600")
	}
	// A group of its own may well read secrets. A configuration without any is
	// everybody's to read, as a service with a user of its own needs it.
	for _, path := range d.config.Private {
		look(path, 0o007, "chmod o=")
	}
	if wrong == 0 {
		d.say("files", web.Fine, "", "nobody else reads the store, its key and the secrets of the configuration")
	}
}

// redirect tells which address the vendors have to know.
func (d *doctor) redirect(ctx context.Context) {
	var people []string
	for _, a := range d.config.Accounts {
		if a.Grant == bridge.GrantCode {
			people = append(people, a.ID)
		}
	}
	w := d.config.Web
	if len(people) == 0 {
		return
	}
	who := strings.Join(people, ", ")
	back := w.PublicURL + "/oauth/callback"
	public, _ := url.Parse(w.PublicURL) // it was parsed before
	switch {
	case w.Listen == "":
		d.say("redirect", web.Notice, "latchkey login ACCOUNT --paste", "the page is off (web.listen), so %s sign in by pasting; register %s at the vendors", who, back)
		return
	case isLoopback(public.Hostname()):
		d.say("redirect", web.Notice, "sign in with a browser on this machine, or with latchkey login ACCOUNT --paste, or set web.public_url", "%s come back to %s, which only this machine reaches; register it at the vendors", who, back)
	default:
		d.say("redirect", web.Fine, "", "%s come back to %s: register it at the vendors, letter by letter", who, back)
	}
	if !d.running {
		return
	}
	if _, err := d.ask(ctx, http.MethodGet, w.PublicURL+"/healthz"); err != nil {
		d.say("redirect", web.Notice, "look at web.public_url and at the proxy before it", "%s does not answer this machine: %v", w.PublicURL, err)
	}
}
