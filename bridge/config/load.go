package config

import (
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"latchkey/bridge"
)

// defaultStateDir is where the state is without a setting and without systemd.
const defaultStateDir = "/var/lib/latchkey"

// Load reads and checks a configuration. The error is an *[Error] with every
// mistake.
func Load(o Options) (*Config, error) {
	l := open(o)
	if l.o.limited() {
		l.only("instance", "state_dir", "store", "commands", "web", "accounts")
		l.root.get("web").keep("listen", "public_url")
	}
	if len(l.root.fields) == 0 && len(l.problems) == 0 {
		// Taken as it is, it would clear every account's topics and devices.
		l.add(pos{1, 1}, "", "there is no setting in it (was it cut off?)")
	}
	var doc struct {
		Config   `yaml:",inline"`
		Accounts *node `yaml:"accounts"`
	}
	doc.Config = l.defaults()
	l.into(l.root, reflect.ValueOf(&doc).Elem(), "")
	c := &doc.Config
	l.finish(c)
	l.accounts(c, doc.Accounts)
	if err := l.result(l.seen); err != nil {
		return nil, err
	}
	c.Warnings, c.Sources, c.Private = l.warnings, l.seen, l.private(c)
	return c, nil
}

func (l *loader) private(c *Config) []string {
	all := slices.Collect(maps.Values(l.secretFiles))
	if c.MQTT.TLS.KeyFile != "" {
		all = append(all, c.MQTT.TLS.KeyFile)
	}
	if l.inline {
		all = append(all, l.path(filepath.Base(l.o.Path)))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Settled loads what stayed as it is for 300 ms: half of a file that is being
// written may be a configuration as well, with half of the accounts. What changes
// for three seconds on end is loaded as it is then.
func Settled(o Options) (c *Config, err error) {
	var before Sources
	for range int(3 * time.Second / quiet) {
		c, err = Load(o)
		if maps.Equal(Seen(c, err), before) {
			break
		}
		before = Seen(c, err)
		time.Sleep(quiet)
	}
	return c, err
}

// Seen are the files that [Load] has read, whatever came of it.
func Seen(c *Config, err error) Sources {
	if mistakes := new(Error); errors.As(err, &mistakes) {
		return mistakes.Sources
	}
	return c.Sources
}

// Base reads only what opens the store without a daemon: Instance, StateDir and
// Store. Nothing else is resolved or checked, so it works beside mistakes elsewhere.
func Base(o Options) (*Config, error) {
	return base(o, "instance", "state_dir", "store")
}

// StateDir reads only the state folder, where the daemon's socket is. No secret
// is resolved.
func StateDir(o Options) (string, error) {
	c, err := base(o, "state_dir")
	if err != nil {
		return "", err
	}
	return c.StateDir, nil
}

func base(o Options, keys ...string) (*Config, error) {
	l := open(o)
	l.only(keys...)
	c := l.defaults()
	l.into(l.root, reflect.ValueOf(&c).Elem(), "")
	l.finishBase(&c)
	if err := l.result(l.seen); err != nil {
		return nil, err
	}
	return &Config{Instance: c.Instance, StateDir: c.StateDir, Store: c.Store, Sources: l.seen}, nil
}

// loader is one run of Load.
type loader struct {
	decoder
	root      *node
	container bool
}

func open(o Options) *loader {
	o = o.withDefaults()
	r := &report{name: o.Path}
	files := &reader{folder: filepath.Dir(o.Path), read: o.ReadFile, seen: Sources{}}
	l := &loader{decoder: decoder{report: r, reader: files, o: o, secretFiles: map[string]string{}}, root: &node{kind: mapping, at: pos{1, 1}}}
	if folder, err := filepath.Abs(files.folder); err == nil {
		files.folder = folder
	}
	container, _ := o.Getenv("LATCHKEY_CONTAINER")
	l.container = container != ""
	data, err := files.file(filepath.Base(o.Path))
	if err != nil {
		r.add(pos{}, "", "%s", err)
		return l
	}
	l.root = parse(data, r)
	return l
}

// only leaves the settings of these names, and what was found wrong with them or
// with the file as a whole.
func (l *loader) only(names ...string) {
	l.root.keep(names...)
	l.problems = slices.DeleteFunc(l.problems, func(p Problem) bool {
		top := strings.FieldsFunc(p.Path, func(r rune) bool { return r == '.' || r == '[' })
		return len(top) > 0 && !slices.Contains(names, top[0])
	})
}

// defaults are what the configuration is decoded over.
func (l *loader) defaults() Config {
	c := defaults()
	c.StateDir = defaultStateDir
	if dirs, _ := l.o.Getenv("STATE_DIRECTORY"); dirs != "" {
		c.StateDir, _, _ = strings.Cut(dirs, ":") // systemd gives all of StateDirectory=
	}
	if l.container {
		c.Web.Listen = ":8087" // loopback of a container cannot be published
	}
	return c
}

// finish fills in what follows from other settings, and checks.
func (l *loader) finish(c *Config) {
	l.finishBase(c)
	for _, file := range []*string{&c.MQTT.TLS.CAFile, &c.MQTT.TLS.CertFile, &c.MQTT.TLS.KeyFile} {
		if *file != "" {
			*file = l.path(*file)
		}
	}
	derived := c.Web.PublicURL == ""
	l.addTree(l.root, "", errors.Join(checkMQTT(c.MQTT), checkTopics(c), checkCommands(c.Commands), checkWeb(&c.Web),
		oneOf("log.format", c.Log.Format, "auto", "text", "json", "color")))
	if l.o.limited() {
		return // the rest is not there
	}
	l.addTree(l.root, "", errors.Join(l.checkFiles(c.MQTT.TLS), l.guardWeb(&c.Web)))
	l.warnTree(l.root, "", errors.Join(warnMQTT(c.MQTT), warnWeb(c.Web, derived)))
}

func (l *loader) finishBase(c *Config) {
	if c.StateDir == "" {
		c.StateDir = l.defaults().StateDir
	}
	c.StateDir = l.path(c.StateDir)
	c.Store.KeyFile = l.secretFiles["store.key_file"]
	if !bridge.IsID(c.Instance) {
		l.addTree(l.root, "", notID("instance", c.Instance))
	}
}

// accounts takes over the accounts in the order of the file.
func (l *loader) accounts(c *Config, all *node) {
	if all == nil || all.kind == empty {
		all = &node{kind: mapping}
	}
	if all.kind != mapping {
		l.add(all.place(), "accounts", "want a mapping of ids, got %s", all.kind)
		return
	}
	if l.o.Account != "" {
		if all.get(l.o.Account) == nil {
			l.add(all.key, "accounts", "there is no account %q", l.o.Account)
		}
		all.keep(l.o.Account)
	}
	for _, f := range all.fields {
		if a, ok := l.account(f); ok {
			c.Accounts = append(c.Accounts, a)
		}
	}
}
