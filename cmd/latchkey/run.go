package main

import (
	"context"
	"errors"

	"latchkey/bridge/daemon"
	"latchkey/vendors"
)

func runCommand() command {
	return command{
		name: "run", summary: "the daemon",
		run: func(ctx context.Context, p *program, args []string) int {
			if len(args) != 0 {
				return p.misused("run --config FILE")
			}
			err := daemon.Run(ctx, daemon.Options{Config: p.config, Drivers: vendors.All(), Version: version, Out: p.errs, Getenv: p.lookup})
			if err == nil {
				return exitOK
			}
			p.fail("%v", err)
			switch {
			case errors.Is(err, daemon.ErrConfig):
				return exitUsage
			case errors.Is(err, daemon.ErrStop):
				return exitStop
			}
			return exitFailure
		},
	}
}
