package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"latchkey/bridge"
	"latchkey/bridge/daemon"
	"latchkey/bridge/web"
)

func statusCommand() command {
	var asJSON bool
	return command{
		name: "status", args: "[--json]", summary: "accounts, token health, devices; exit 1 when something needs a person, or latchkey does not run",
		flags: func(f *flag.FlagSet) { f.BoolVar(&asJSON, "json", false, "as JSON") },
		run: func(ctx context.Context, p *program, args []string) int {
			if len(args) != 0 {
				return p.misused("status [--json]")
			}
			status, err := p.status(ctx)
			if err == nil && asJSON {
				err = encode(p.out, status)
			} else if err == nil {
				err = printStatus(p.out, status)
			}
			if err != nil {
				return p.refused(err)
			}
			if status.NeedsPerson() {
				return exitFailure
			}
			return exitOK
		},
	}
}

// status asks the daemon, or looks at what is stored where none runs.
func (p *program) status(ctx context.Context) (web.Status, error) {
	client, err := p.daemon()
	if err != nil {
		return web.Status{}, err
	}
	s, err := client.Status(ctx)
	if !errors.Is(err, web.ErrNoDaemon) {
		return s, err
	}
	p.refused(err) // which is the first thing that needs a person
	return daemon.Stored(p.daemonOptions())
}

// encode writes JSON that people can read too.
func encode(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

func printStatus(w io.Writer, s web.Status) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	broker := "connected"
	if !s.MQTT.Open {
		broker = "NOT CONNECTED " + s.MQTT.Error
	}
	fmt.Fprintf(out, "latchkey %s\tinstance %s\tsince %s\n", s.Version, s.Instance, moment(s.StartedAt))
	fmt.Fprintf(out, "broker\t%s\t%s\n", s.MQTT.Broker, broker)
	if s.ConfigError != "" {
		fmt.Fprintf(out, "config\tNOT APPLIED\t%s\n", s.ConfigError)
	}
	for _, p := range s.Problems {
		fmt.Fprintf(out, "problem\t%s\t%s\n", p.Code, p.Message)
	}
	for _, a := range s.Accounts {
		todo := ""
		if a.Token.UserAction != bridge.ActionNone {
			todo = "-> " + string(a.Token.UserAction)
		}
		expires := ""
		if !a.Token.ExpiresAt.IsZero() {
			expires = "until " + a.Token.ExpiresAt.Local().Format(time.DateTime)
		}
		fmt.Fprintf(out, "account %s\t%s\t%s %s %s\n", a.ID, a.Vendor, a.Token.State, expires, todo)
		for _, d := range a.Devices {
			online := "online"
			if !d.Online {
				online = "offline"
			}
			fmt.Fprintf(out, "  device %s\t%s\t%s\n", d.ID, d.Name, online)
		}
	}
	return out.Flush()
}
