package main

import (
	"context"
	"fmt"
)

func logoutCommand() command {
	return command{
		name: "logout", args: "ACCOUNT", summary: "revokes at the vendor, then forgets; says which of both happened",
		run: func(ctx context.Context, p *program, args []string) int {
			if len(args) != 1 {
				return p.misused("logout ACCOUNT")
			}
			client, err := p.daemon()
			if err != nil {
				return p.refused(err)
			}
			bye, err := client.Logout(ctx, args[0])
			if err != nil {
				return p.refused(err)
			}
			fmt.Fprintln(p.out, bye.Message)
			if !bye.Revoked {
				return exitFailure
			}
			return exitOK
		},
	}
}
