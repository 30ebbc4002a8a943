package main

import (
	"context"
	"fmt"

	"latchkey/bridge"
	"latchkey/bridge/store"
	"latchkey/bridge/web"
)

func rekeyCommand() command {
	return command{
		name: "rekey", summary: "a new key for the store; backups made before open with the old key alone",
		run: func(ctx context.Context, p *program, args []string) int {
			if len(args) != 0 {
				return p.misused("rekey")
			}
			_, err := either(p, func(c *web.Client) (struct{}, error) { return struct{}{}, c.Rekey(ctx) },
				func(s *store.Store) (struct{}, error) { return struct{}{}, s.Rekey(bridge.Secret{}) })
			if err != nil {
				return p.refused(err)
			}
			fmt.Fprintln(p.out, "the store has a new key; backups made before need the old one, so make a new one: latchkey backup FILE")
			return exitOK
		},
	}
}
