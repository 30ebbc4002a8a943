package main

import (
	"context"
	"errors"
	"fmt"

	"latchkey/bridge/config"
	"latchkey/bridge/daemon"
	"latchkey/vendors"
)

func checkCommand() command {
	return command{
		name: "check", args: "--config FILE", summary: "validates the configuration: all mistakes at once, each with its place",
		run: func(_ context.Context, p *program, args []string) int {
			if len(args) != 0 {
				return p.misused("check --config FILE")
			}
			c, err := config.Load(config.Options{Path: p.config, Drivers: vendors.All(), CheckOperations: daemon.CheckOperations, WarnOperations: daemon.WarnOperations, CheckOnly: true, Getenv: p.lookup})
			if err != nil {
				// Only problems with a place are the check's output; the rest is its failure.
				if mistakes := new(config.Error); errors.As(err, &mistakes) {
					fmt.Fprintln(p.out, mistakes)
				} else {
					p.fail("%v", err)
				}
				return exitUsage
			}
			for _, w := range c.Warnings {
				fmt.Fprintln(p.out, "warning:", w)
			}
			if !c.Commands.RequireEnvelope && len(c.Accounts) > 0 {
				fmt.Fprintln(p.out, "note: whatever can be commanded takes a plain payload, without id and time, unless commands.require_envelope is true; `latchkey doctor` names it")
			}
			fmt.Fprintf(p.out, "%s is fine: %d accounts\n", p.config, len(c.Accounts))
			return exitOK
		},
	}
}
