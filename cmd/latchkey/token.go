package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"latchkey/bridge/daemon"
	"latchkey/bridge/store"
	"latchkey/bridge/web"
)

func tokenCommand() command {
	const form = "list ACCOUNT | restore ACCOUNT [GENERATION]"
	return command{
		name: "token", args: form, summary: "kept generations of the credentials; brings one back",
		run: func(ctx context.Context, p *program, args []string) int {
			if len(args) < 2 {
				return p.misused("token " + form)
			}
			var err error
			switch account := args[1]; {
			case args[0] == "list" && len(args) == 2:
				err = p.listTokens(ctx, account)
			case args[0] == "restore" && len(args) <= 3:
				var generation uint64
				if len(args) == 3 {
					if generation, err = strconv.ParseUint(args[2], 10, 64); err != nil || generation == 0 {
						return p.misused("token " + form)
					}
				}
				err = p.restoreToken(ctx, account, generation)
			default:
				return p.misused("token " + form)
			}
			if err != nil {
				return p.refused(err)
			}
			return exitOK
		},
	}
}

func (p *program) listTokens(ctx context.Context, account string) error {
	all, err := either(p, func(c *web.Client) ([]web.KeptToken, error) { return c.Tokens(ctx, account) },
		func(s *store.Store) ([]web.KeptToken, error) { return daemon.Tokens(s, account) })
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("nothing is kept of account %q: sign in with `latchkey login %s`", account, account)
	}
	if err != nil {
		return err
	}
	return printTokens(p.out, all)
}

func (p *program) restoreToken(ctx context.Context, account string, generation uint64) error {
	number, err := either(p, func(c *web.Client) (uint64, error) { return c.RestoreToken(ctx, account, generation) },
		func(s *store.Store) (uint64, error) { return s.Restore(account, generation) })
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "brought back; it is generation %d now. To undo it: latchkey token restore %s\n", number, account)
	return nil
}

func printTokens(w io.Writer, all []web.KeptToken) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "GENERATION\tSAVED\tSIGNED IN\tRENEWED\tENDS\tHOLDS\tSCOPE\tOF\tNOTE")
	for _, k := range all {
		var holds, notes []string
		if k.Access {
			holds = append(holds, "access")
		}
		if k.Refresh {
			holds = append(holds, "refresh")
		}
		if k.InUse {
			notes = append(notes, "in use")
		}
		if k.Spent {
			notes = append(notes, "its refresh token was sent")
		}
		if k.Ended != "" {
			notes = append(notes, k.Ended)
		}
		fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.Generation, moment(k.SavedAt), moment(k.SignedInAt), moment(k.ObtainedAt), moment(k.ExpiresAt),
			orDash(strings.Join(holds, "+")), orDash(k.Scope), orDash(k.Identity), strings.Join(notes, "; "))
	}
	return out.Flush()
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format(time.DateTime)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
