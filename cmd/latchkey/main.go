// Command latchkey keeps the OAuth tokens of vendor clouds fresh and turns MQTT
// messages into their calls. `latchkey run` is the daemon; the other commands
// speak to it over its unix socket, or open the store themselves where none runs.
// Each has a file of its own here.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"latchkey/bridge/config"
	"latchkey/bridge/daemon"
	"latchkey/bridge/web"
	"latchkey/vendors"
)

// Exit codes of the Contract.
const (
	exitOK      = 0
	exitFailure = 1 // a restart may mend it
	exitUsage   = 2 // usage or configuration
	exitStop    = 3 // must not be restarted: wrong key, damaged store
)

// program is one run of the command line.
type program struct {
	in     io.Reader
	out    io.Writer
	errs   io.Writer
	lookup func(string) (string, bool) // the environment
	config string                      // --config
}

// command is one subcommand. run gets the arguments that its flags left.
type command struct {
	name, args, summary string
	flags               func(*flag.FlagSet) // nil: only --config
	run                 func(context.Context, *program, []string) int
}

func commands() []command {
	return []command{
		runCommand(), checkCommand(), loginCommand(), logoutCommand(), statusCommand(), callCommand(),
		doctorCommand(), tokenCommand(), backupCommand(), restoreCommand(), rekeyCommand(), logCommand(), healthCommand(), versionCommand(),
	}
}

func main() {
	// SIGTERM and SIGINT end the work in order; a second one ends the process.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, &program{in: os.Stdin, out: os.Stdout, errs: os.Stderr, lookup: os.LookupEnv}, os.Args[1:]))
}

func run(ctx context.Context, p *program, args []string) int {
	if len(args) == 0 {
		p.usage()
		return exitUsage
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		flags := flag.NewFlagSet("latchkey "+c.name, flag.ContinueOnError)
		flags.SetOutput(p.errs)
		flags.Usage = func() {
			fmt.Fprintf(p.errs, "latchkey %s %s\n  %s\n", c.name, c.args, c.summary)
			flags.PrintDefaults()
		}
		flags.StringVar(&p.config, "config", defaultConfig(p.lookup), "the configuration `FILE`")
		if c.flags != nil {
			c.flags(flags)
		}
		rest, err := parse(flags, args[1:])
		switch {
		case errors.Is(err, flag.ErrHelp):
			return exitOK
		case err != nil:
			return exitUsage
		}
		return c.run(ctx, p, rest)
	}
	if args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		p.usage()
		return exitOK
	}
	p.fail("%q is no command", args[0])
	p.usage()
	return exitUsage
}

// parse takes flags before, between and after the arguments: people write
// `latchkey login gate --paste`.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		args = flags.Args()
		if len(args) == 0 {
			return rest, nil
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

func (p *program) usage() {
	fmt.Fprintln(p.errs, "usage: latchkey COMMAND [--config FILE]")
	for _, c := range commands() {
		fmt.Fprintf(p.errs, "  %-36s %s\n", c.name+" "+c.args, c.summary)
	}
}

// fail says on standard error what went wrong.
func (p *program) fail(format string, args ...any) {
	fmt.Fprintf(p.errs, "latchkey: "+format+"\n", args...)
}

// misused says how a command is written.
func (p *program) misused(form string) int {
	p.fail("usage: latchkey %s", form)
	return exitUsage
}

func defaultConfig(lookup func(string) (string, bool)) string {
	if path, _ := lookup("LATCHKEY_CONFIG"); path != "" {
		return path
	}
	return "/etc/latchkey/config.yaml"
}

// daemon returns a client of the running daemon. Only the state folder is read
// from the configuration: secrets may be out of this user's reach.
func (p *program) daemon() (*web.Client, error) {
	dir, err := config.StateDir(config.Options{Path: p.config, Getenv: p.lookup})
	if err != nil {
		return nil, err
	}
	return web.NewClient(filepath.Join(dir, "latchkey.sock")), nil
}

// daemonOptions are those of a daemon that a command is to itself.
func (p *program) daemonOptions() daemon.Options {
	return daemon.Options{Config: p.config, Drivers: vendors.All(), Version: version, Out: p.errs, Getenv: p.lookup}
}

// speak has a command about one account speak to the daemon or, where none runs,
// to a house of its own. page: it waits for a browser.
func (p *program) speak(ctx context.Context, account string, page bool, command func(*web.Client) error) error {
	client, err := p.daemon()
	if err != nil {
		return err
	}
	if err = command(client); !errors.Is(err, web.ErrNoDaemon) {
		return err
	}
	return daemon.Alone(ctx, p.daemonOptions(), account, page, command)
}

// refused says why a command did not work, with what to do where that is known.
func (p *program) refused(err error) int {
	p.fail("%v", err)
	if errors.Is(err, web.ErrNoDaemon) || errors.Is(err, daemon.ErrNoStore) {
		fmt.Fprintln(p.errs, "  start it: systemctl start latchkey, or latchkey run --config "+p.config)
	}
	return exitFailure
}
