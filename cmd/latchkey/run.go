package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"latchkey/bridge/daemon"
)

func runCommand() command {
	return command{
		name: "run", summary: "the daemon",
		run: func(ctx context.Context, p *program, args []string) int {
			if len(args) != 0 {
				return p.misused("run --config FILE")
			}
			hangup := make(chan os.Signal, 1) // one look shows all changes
			signal.Notify(hangup, syscall.SIGHUP)
			defer signal.Stop(hangup)
			o := p.daemonOptions()
			o.Hangup = hangup
			err := daemon.Run(ctx, o)
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
