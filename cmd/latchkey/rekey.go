package main

import (
	"context"
	"fmt"

	"latchkey/bridge/daemon"
	"latchkey/bridge/web"
)

func rekeyCommand() command {
	return command{
		name: "rekey", summary: "a new key for the store; backups made before open with the old key alone",
		run: func(ctx context.Context, p *program, args []string) int {
			if len(args) != 0 {
				return p.misused("rekey")
			}
			waits, err := either(p, func(c *web.Client) (string, error) { return c.Rekey(ctx) }, daemon.Rekey)
			if err != nil {
				return p.refused(err)
			}
			fmt.Fprintln(p.out, "the store has a new key; backups made before need the old one, so make a new one: latchkey backup FILE")
			if waits != "" {
				fmt.Fprintf(p.out, "It could not take the old one's place. The store opens with it as it lies in %s;\n"+
					"put it where the configuration says (store.key, store.key_file) and restart latchkey, which then removes that file.\n", waits)
			}
			return exitOK
		},
	}
}
