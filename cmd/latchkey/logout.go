package main

import (
	"context"
	"fmt"

	"latchkey/bridge/web"
)

func logoutCommand() command {
	return command{
		name: "logout", args: "ACCOUNT", summary: "revokes at the vendor, then forgets; says which of both happened",
		run: func(ctx context.Context, p *program, args []string) int {
			if len(args) != 1 {
				return p.misused("logout ACCOUNT")
			}
			var bye web.Farewell
			err := p.speak(ctx, args[0], false, func(c *web.Client) (err error) {
				bye, err = c.Logout(ctx, args[0])
				return err
			})
			if bye.Message != "" {
				fmt.Fprintln(p.out, bye.Message)
			}
			if err != nil {
				return p.refused(err)
			}
			if !bye.Revoked {
				return exitFailure
			}
			return exitOK
		},
	}
}
