package main

import (
	"context"
	"fmt"
	"time"
)

func healthCommand() command {
	return command{
		name: "health", summary: "asks the running daemon whether it is alive (for HEALTHCHECK)",
		run: func(ctx context.Context, p *program, args []string) int {
			if len(args) != 0 {
				return p.misused("health")
			}
			client, err := p.daemon()
			if err != nil {
				return p.refused(err)
			}
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			if err := client.Health(ctx); err != nil {
				return p.refused(err)
			}
			fmt.Fprintln(p.out, "ok")
			return exitOK
		},
	}
}
